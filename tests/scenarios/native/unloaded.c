/* Built twice, with another name each time: what is loaded second lies where the first one lay. */
#include <stdlib.h>
#define KEPT __attribute__((noinline))
#define AFTER __asm__ volatile("" ::: "memory")

KEPT void *NAME(size_t bytes) {
    volatile char room[ROOM]; room[0] = 1;
    void *block = malloc(bytes); AFTER; return room[0] ? block : 0; }
