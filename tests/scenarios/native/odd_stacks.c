/* Stacks that cannot be followed to their end: a function without unwind tables, and one on a stack of its own. */
#include <stdlib.h>
#include <ucontext.h>
#define KEPT __attribute__((noinline))
#define AFTER __asm__ volatile("" ::: "memory")

__asm__(".text\n"
        ".type without_tables, @function\n"
        "without_tables:\n"
        "    push %rbx\n"
        "    call *%rsi\n"
        "    pop %rbx\n"
        "    ret\n");
void *without_tables(size_t bytes, void *(*callee)(size_t));

KEPT static void *allocate(size_t bytes) {
    void *block = malloc(bytes); AFTER; return block; }

KEPT void *through_assembly(size_t bytes) {
    void *block = without_tables(bytes, allocate); AFTER; return block; }

static ucontext_t here, there;
static size_t wanted;

static void coroutine(void) {
    allocate(wanted); AFTER; }

KEPT int on_own_stack(size_t bytes) {
    static char stack[256 << 10];
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    wanted = bytes;
    makecontext(&there, coroutine, 0);
    return swapcontext(&here, &there); }
