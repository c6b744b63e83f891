// Lets pyro-checkpoint stop a QEMU whose VM is paused, with all of its state in memory: each thread enters a signal handler, for which the
// kernel pushes its registers on its stack, and stays there. pyro-restore has a new thread return from that frame.
#include "ram.h"

#include <asm/prctl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/ioctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>

#include "checkpoint_file.h"

// QEMU's threads block every signal but those of a wrong instruction, address or number.
enum { PARK_SIGNAL = SIGFPE };

// struct sigaction of the kernel needs a function that returns from the handler.
enum { HAS_RESTORER = 0x04000000, MASK_BYTES = 8 };

// The C library keeps a thread's id within its descriptor, to which the thread's pointer points.
enum { ID_AFTER = 0x100, ID_BEFORE = 0x800 };

static struct park *park;

extern const ptrdiff_t __rseq_offset __attribute__((weak));

__attribute__((naked)) static void restore_registers(void) { __asm__("mov $15, %eax\n\tsyscall"); }

static uint64_t find_id(uint64_t tls, uint32_t id) {
    for (uint64_t at = tls + ID_AFTER; at < tls + ID_BEFORE; at += sizeof id)
        if (*(const volatile uint32_t *)at == id) return at;
    return 0;
}

static void note_process(void) {
    park->process = (uint32_t)call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < SIGNALS; i++) call(SYS_rt_sigaction, i + 1, 0, (long)&park->actions[i], MASK_BYTES, 0, 0);
}

static void note_thread(struct thread *thread, const void *context) {
    thread->frame = (uint64_t)context;
    thread->id = (uint32_t)call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    call(SYS_arch_prctl, ARCH_GET_FS, (long)&thread->tls, 0, 0, 0, 0);
    call(SYS_get_robust_list, 0, (long)&thread->robust_at, (long)&thread->robust_bytes, 0, 0, 0);
    call(SYS_prctl, PR_GET_NAME, (long)thread->name, 0, 0, 0, 0);
    thread->id_at = find_id(thread->tls, thread->id);
    thread->rseq_at = &__rseq_offset == NULL ? 0 : thread->tls + (uint64_t)__rseq_offset;
}

// A signal of the processor itself has a positive code. It comes again, and ends QEMU.
static void fall_back(void) {
    struct action action = {0};
    call(SYS_rt_sigaction, PARK_SIGNAL, (long)&action, 0, MASK_BYTES, 0, 0);
}

static void park_thread(int signal, const siginfo_t *info, void *context) {
    (void)signal;
    if (info->si_code > 0) return fall_back();
    uint32_t index = __atomic_fetch_add(&park->count, 1, __ATOMIC_SEQ_CST), word = 0;
    if (index == 0) note_process();
    if (index < THREADS_MAX) {
        note_thread(&park->threads[index], context);
        __atomic_store_n(&park->threads[index].is_parked, 1, __ATOMIC_SEQ_CST);
    }
    for (;;) call(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
}

static bool map_at(uint64_t address, size_t bytes, int protection) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    return call(SYS_mmap, (long)address, (long)bytes, protection, flags, -1, 0) == (long)address;
}

// For the kernel the heap of a process that continues is elsewhere, so the C library could neither extend this one nor give its end back. With a
// page behind it the C library takes memory for malloc from mmap from the beginning.
static bool end_heap(void) {
    uint64_t end = (uint64_t)call(SYS_brk, 0, 0, 0, 0, 0, 0);
    return map_at((end + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE, PAGE_SIZE, PROT_NONE);
}

__attribute__((constructor)) static void prepare(void) {
    if (!map_at(PARK_AT, sizeof *park, PROT_READ | PROT_WRITE) || !end_heap()) return;
    park = (struct park *)PARK_AT;
    for (size_t i = 0; i < sizeof park->magic; i++) park->magic[i] = PARK_MAGIC[i];
    struct action action = {(uint64_t)park_thread, SA_SIGINFO | HAS_RESTORER, (uint64_t)restore_registers, ~UINT64_C(0)};
    call(SYS_rt_sigaction, PARK_SIGNAL, (long)&action, 0, MASK_BYTES, 0, 0);
}

// Counts on when there is no room: pyro-checkpoint refuses then.
static void note_filter(const struct sock_fprog *program) {
    uint32_t index = park->filter_count++;
    if (index >= FILTERS_MAX || program->len > FILTER_WORDS_MAX) {
        park->filter_count = FILTERS_MAX + 1;
        return;
    }
    struct filter *filter = &park->filters[index];
    for (filter->count = 0; filter->count < program->len; filter->count++)
        filter->instructions[filter->count] = ((const uint64_t *)program->filter)[filter->count];
}

// libseccomp installs QEMU's filter with this.
#undef syscall
long syscall(long number, ...) {
    va_list rest;
    long a[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    long result = call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    bool is_filter = number == SYS_seccomp && a[0] == SECCOMP_SET_MODE_FILTER && result >= 0;
    if (is_filter && park != NULL) note_filter((const struct sock_fprog *)a[2]);
    return with_errno(result);
}

// The last setting of each kind.
static void note_tap_call(uint64_t request, uint64_t argument, bool is_pointer) {
    uint32_t index = 0;
    while (index < park->tap_call_count && park->tap_calls[index].request != request) index++;
    if (index < TAP_CALLS_MAX)
        park->tap_calls[index] = (struct tap_call){request, is_pointer ? *(const uint32_t *)argument : argument, is_pointer};
    if (index == park->tap_call_count) park->tap_call_count++;
}

#undef ioctl
int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    long argument = va_arg(rest, long);
    va_end(rest);
    long result = call(SYS_ioctl, fd, (long)request, argument, 0, 0, 0);
    bool is_pointer = request == TUNSETVNETHDRSZ || request == TUNSETVNETLE || request == TUNSETVNETBE || request == TUNSETSNDBUF;
    if (fd == TAP_FD && result >= 0 && park != NULL && (is_pointer || request == TUNSETOFFLOAD))
        note_tap_call(request, (uint64_t)argument, is_pointer);
    return (int)with_errno(result);
}
