// One stub for each of the CPU's 32 exceptions. Those without an error code push a zero in its place.
        .text
        .macro  stub number
        .balign 16
        .if     (\number == 8) || (\number >= 10 && \number <= 14) || (\number == 17) || (\number == 21) || (\number == 29) || (\number == 30)
        .else
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
