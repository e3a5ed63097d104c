// The first instructions: from PVH's 32-bit flat mode to C++ in long mode.
//
// PVH boot ABI (xen/arch-x86/hvm/start_info.h): protected mode, flat segments, paging and interrupts off, EBX holds the
// physical address of the start info. The loader finds the way in by the ELF note "Xen", type 18
// (XEN_ELFNOTE_PHYS32_ENTRY). It also has zeroed .bss.

#define CR0_PE (1 << 0)
#define CR0_MP (1 << 1)
#define CR0_ET (1 << 4)
#define CR0_NE (1 << 5)
#define CR0_WP (1 << 16)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)
#define MSR_FS_BASE 0xc0000100
#define PAGE_PRESENT_WRITABLE 0x3
#define PAGE_LARGE 0x80

        .section .note.Xen, "a", @note
        .balign 4
        .long   4               // name size
        .long   8               // descriptor size
        .long   18              // XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .quad   entry

        .section .text.entry, "ax"
        .code32
        .globl  entry
entry:
        cli
        cld
        rdtsc
        movl    %eax, entry_time_stamp
        movl    %edx, entry_time_stamp + 4
        movl    $stack_top, %esp
        movl    %ebx, %ebp

        // Identity tables over the first 4 GiB in large pages; pages.cpp then takes rights away.
        movl    $page_directories + PAGE_PRESENT_WRITABLE, %eax
        movl    $page_directory_pointers, %edi
        movl    $4, %ecx
1:      movl    %eax, (%edi)
        addl    $4096, %eax
        addl    $8, %edi
        loop    1b
        movl    $page_directory_pointers + PAGE_PRESENT_WRITABLE, page_map
        movl    $PAGE_PRESENT_WRITABLE | PAGE_LARGE, %eax
        movl    $page_directories, %edi
        movl    $4 * 512, %ecx
1:      movl    %eax, (%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    1b

        movl    $CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT, %eax
        movl    %eax, %cr4
        movl    $page_map, %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LME | EFER_NXE, %eax
        wrmsr
        // EM and TS off: SSE works from here on.
        movl    $CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE, %eax
        movl    %eax, %cr0

        // %fs:0x28, the stack protector's canary, must be readable before the first function that has one.
        movl    $MSR_FS_BASE, %ecx
        movl    $thread_block, %eax
        xorl    %edx, %edx
        wrmsr

        lgdt    boot_gdt_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        fninit
        ldmxcsr initial_mxcsr
        movl    %ebp, %edi      // start info; clears the upper half
        xorl    %ebp, %ebp
        call    platform_start
        ud2

        .section .rodata.entry, "a"
        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9b000000ffff      // 64-bit code
boot_gdt_pointer:
        .word   . - boot_gdt - 1
        .long   boot_gdt
initial_mxcsr:
        .long   0x1f80                  // all exceptions masked, round to nearest

        .section .bss.page_tables, "aw", @nobits
        .balign 4096
        .globl  page_map, page_directory_pointers, page_directories
page_map:
        .skip   4096
page_directory_pointers:
        .skip   4096
page_directories:
        .skip   4 * 4096

        // What FS points to. Only the canary in it is ever read.
        .section .bss.thread_block, "aw", @nobits
        .balign 64
        .globl  thread_block
thread_block:
        .skip   64

        // The time stamp counter when all began.
        .section .bss.entry_time_stamp, "aw", @nobits
        .balign 8
        .globl  entry_time_stamp
entry_time_stamp:
        .skip   8

        .section .note.GNU-stack, "", @progbits
