/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest for the cases: uses the devices assigned to it, and releases them on request.
 *
 * A program without an operating system, loaded as a kernel by QEMU's machine "pc", so that it runs
 * within a second instead of a minute. It reports on its serial port, one line per event:
 *
 *   up
 *   slot 5: found, 4096 bytes, memory good, interrupt good
 *   slot 6: NVMe, status 2
 *   slot 5: ejected         (on request of QEMU)
 *   slot 5: gone
 */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

#define PORT_SERIAL         0x3f8
#define PORT_PIC1_MASK      0x21
#define PORT_PIC2_MASK      0xa1
#define PORT_CONFIG_ADDRESS 0xcf8
#define PORT_CONFIG_DATA    0xcfc

/* QEMU's ACPI hot-plug registers for the bus selected at power-on; one bit per slot. */
#define PORT_EJECT_REQUESTS 0xae04
#define PORT_EJECT          0xae08

#define DEVICE_ID          0x13f210deu
#define NVME_ID            0x00101b36u
#define NO_DEVICE          0xffffffffu
#define CONFIG_COMMAND     0x04
#define CONFIG_BAR0        0x10
#define CONFIG_BAR1        0x14
#define CONFIG_CAPS        0x34
#define COMMAND_MEM_MASTER 0x6
#define CAP_ID_MSI         0x05
#define MSI_ENABLE         0x10000

#define APIC_BASE         0xfee00000u
#define APIC(reg)         (*(volatile u32 *)(APIC_BASE + (reg)))
#define APIC_EOI          0x0b0
#define APIC_SPURIOUS     0x0f0
#define APIC_TIMER        0x320
#define APIC_TIMER_COUNT  0x380
#define APIC_TIMER_DIVIDE 0x3e0
#define TIMER_PERIODIC    0x20000
#define TIMER_BY_ONE      0xb
#define TICKS_PER_SECOND  10
#define APIC_HZ           1000000000u

#define VECTOR_TIMER    0x20
#define VECTOR_DEVICE   0x21
#define VECTOR_SPURIOUS 0x2f
#define N_VECTORS       0x30

#define N_SLOTS           32
#define DEVICE_SECONDS    30
#define MEMORY_FOR_SLOT   0xe0000000u
#define MEMORY_STEP       0x100000u
#define DOORBELL          0
#define FIRST_MEMORY_WORD 1
#define NVME_STATUS_WORD  7

struct gate {
    u16 offset_low, selector, type, offset_high;
} __attribute__((packed));

struct table {
    u16 limit;
    const void *base;
} __attribute__((packed));

struct frame;

/* Flat segments for code and data. */
static const u32 segments[] = { 0, 0, 0xffff, 0xcf9a00, 0xffff, 0xcf9200 };
static struct gate gates[N_VECTORS];
static volatile u32 ticks, interrupts;
static u32 known;

/* The multiboot header, and the entry point. */
__asm__(".text\n"
        ".balign 4\n"
        ".long 0x1badb002, 0, -0x1badb002\n"
        ".globl start\n"
        "start:\n"
        "    mov $stack_end, %esp\n"
        "    call guest\n"
        ".lcomm stack, 4096\n"
        ".equ stack_end, stack + 4096\n");

void guest(void) __attribute__((noreturn));


static void
out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}


static void
out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}


static u32
in32(u16 port)
{
    u32 value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}


static void
say(const char *text)
{
    for (; *text != '\0'; text++)
        out8(PORT_SERIAL, (u8)*text);
}


static void
say_number(u32 value)
{
    char digits[11];
    char *first = digits + sizeof(digits) - 1;

    *first = '\0';
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    say(first);
}


static void
say_slot(u32 slot, const char *what)
{
    say("slot ");
    say_number(slot);
    say(what);
}


static u32
config_read(u32 slot, u32 reg)
{
    out32(PORT_CONFIG_ADDRESS, 0x80000000u | slot << 11 | reg);
    return in32(PORT_CONFIG_DATA);
}


static void
config_write(u32 slot, u32 reg, u32 value)
{
    out32(PORT_CONFIG_ADDRESS, 0x80000000u | slot << 11 | reg);
    out32(PORT_CONFIG_DATA, value);
}


__attribute__((interrupt)) static void
on_timer(struct frame *frame)
{
    (void)frame;
    ticks++;
    APIC(APIC_EOI) = 0;
}


__attribute__((interrupt)) static void
on_device(struct frame *frame)
{
    (void)frame;
    interrupts++;
    APIC(APIC_EOI) = 0;
}


__attribute__((interrupt)) static void
on_spurious(struct frame *frame)
{
    (void)frame;
}


static void
set_gate(u32 vector, void (*handler)(struct frame *))
{
    u32 address = (u32)handler;

    gates[vector] = (struct gate){ (u16)address, 8, 0x8e00, (u16)(address >> 16) };
}


/* Enables interrupts of the local APIC only: its timer, and messages of devices. */
static void
set_up_interrupts(void)
{
    struct table gdt = { sizeof(segments) - 1, segments };
    struct table idt = { sizeof(gates) - 1, gates };

    set_gate(VECTOR_TIMER, on_timer);
    set_gate(VECTOR_DEVICE, on_device);
    set_gate(VECTOR_SPURIOUS, on_spurious);
    __asm__ volatile("lgdt %0\n"
                     "ljmp $8, $1f\n"
                     "1: mov $16, %%eax\n"
                     "mov %%eax, %%ds\n"
                     "mov %%eax, %%es\n"
                     "mov %%eax, %%ss\n"
                     "lidt %1\n"
                     :
                     : "m"(gdt), "m"(idt)
                     : "eax", "memory");

    out8(PORT_PIC1_MASK, 0xff);
    out8(PORT_PIC2_MASK, 0xff);
    APIC(APIC_SPURIOUS) = 0x100 | VECTOR_SPURIOUS;
    APIC(APIC_TIMER_DIVIDE) = TIMER_BY_ONE;
    APIC(APIC_TIMER) = TIMER_PERIODIC | VECTOR_TIMER;
    APIC(APIC_TIMER_COUNT) = APIC_HZ / TICKS_PER_SECOND;
}


/* Sleeps until the next interrupt. Interrupts are disabled until then, so that one after the
 * caller's check is not missed. */
static void
halt(void)
{
    __asm__ volatile("sti\nhlt\ncli" : : : "memory");
}


static u32
memory_size(u32 slot)
{
    config_write(slot, CONFIG_BAR0, 0xffffffffu);
    return ~(config_read(slot, CONFIG_BAR0) & ~0xfu) + 1;
}


static int
memory_is_good(volatile u32 *memory, u32 n_words)
{
    for (u32 i = FIRST_MEMORY_WORD; i < n_words; i++)
        memory[i] = i * 0x01010101u;
    for (u32 i = FIRST_MEMORY_WORD; i < n_words; i++) {
        if (memory[i] != i * 0x01010101u)
            return 0;
    }
    return 1;
}


static int
set_up_message(u32 slot)
{
    u32 reg = config_read(slot, CONFIG_CAPS) & 0xfc;
    u32 head = config_read(slot, reg);

    if ((head & 0xff) != CAP_ID_MSI)
        return 0;
    config_write(slot, reg + 4, APIC_BASE);
    config_write(slot, reg + 8, 0);
    config_write(slot, reg + 12, VECTOR_DEVICE);
    config_write(slot, reg, head | MSI_ENABLE);
    return 1;
}


static int
interrupt_is_good(u32 slot, volatile u32 *memory)
{
    u32 before = interrupts;
    u32 limit = ticks + DEVICE_SECONDS * TICKS_PER_SECOND;

    if (!set_up_message(slot))
        return 0;
    memory[DOORBELL] = 1;
    while (interrupts == before && ticks != limit)
        halt();
    return interrupts == before + 1 && memory[DOORBELL] == 1;
}


static void
use(u32 slot)
{
    u32 base = MEMORY_FOR_SLOT + slot * MEMORY_STEP;
    u32 size = memory_size(slot);
    volatile u32 *memory = (volatile u32 *)base;

    say_slot(slot, ": found, ");
    say_number(size);
    config_write(slot, CONFIG_BAR0, base);
    config_write(slot, CONFIG_COMMAND, COMMAND_MEM_MASTER);
    say(memory_is_good(memory, size / sizeof(u32)) ? " bytes, memory good" : " bytes, memory bad");
    say(interrupt_is_good(slot, memory) ? ", interrupt good\n" : ", interrupt bad\n");
}


/* A function of an NVMe controller, whose memory is not for tests: shows the register with its
 * status. */
static void
use_nvme(u32 slot)
{
    u32 base = MEMORY_FOR_SLOT + slot * MEMORY_STEP;
    volatile u32 *memory = (volatile u32 *)base;

    config_write(slot, CONFIG_BAR0, base);
    config_write(slot, CONFIG_BAR1, 0);
    config_write(slot, CONFIG_COMMAND, COMMAND_MEM_MASTER);
    say_slot(slot, ": NVMe, status ");
    say_number(memory[NVME_STATUS_WORD]);
    say("\n");
}


static void
look_for_devices(void)
{
    for (u32 slot = 0; slot < N_SLOTS; slot++) {
        u32 bit = 1u << slot;
        u32 id = config_read(slot, 0);

        if ((id == DEVICE_ID || id == NVME_ID) && (known & bit) == 0) {
            known |= bit;
            (id == DEVICE_ID ? use : use_nvme)(slot);
        } else if (id == NO_DEVICE && (known & bit) != 0) {
            known &= ~bit;
            say_slot(slot, ": gone\n");
        }
    }
}


static void
eject(void)
{
    u32 requested = in32(PORT_EJECT_REQUESTS);

    for (u32 slot = 0; slot < N_SLOTS; slot++) {
        if ((requested & 1u << slot) == 0)
            continue;
        say_slot(slot, ": ejected\n");
        out32(PORT_EJECT, 1u << slot);
    }
}


void
guest(void)
{
    set_up_interrupts();
    say("up\n");
    for (;;) {
        look_for_devices();
        eject();
        halt();
    }
}
