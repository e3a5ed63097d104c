// One stub for each of the CPU's 32 exceptions. Those without an error code push a zero in its place.
#define ERROR_CODES (1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30)

        .text
        .macro  stub number
        .balign 16
        // Intel SDM volume 3, table 6-1, and AMD's 29 and 30.
        .if     !((ERROR_CODES >> \number) & 1)
        pushq   $0
        .endif
        pushq   $\number
        jmp     report
        .endm

        .globl  fault_vectors
        .balign 16
fault_vectors:
        .set    number, 0
        .rept   32
        stub    number
        .set    number, number + 1
        .endr

report: movq    %rsp, %rdi      // vector, error code, RIP, CS, RFLAGS, RSP, SS
        andq    $-16, %rsp
        cld
        call    report_fault
        ud2

        .section .note.GNU-stack, "", @progbits
