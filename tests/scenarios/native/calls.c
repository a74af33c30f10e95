/* Functions that allocate, one within the other, and one that calls back. Lines are told by the tests. */
#include <stdlib.h>
#define KEPT __attribute__((noinline))
#define AFTER __asm__ volatile("" ::: "memory")
typedef long (*Callback)(long);

__attribute__((always_inline)) static inline void *grab(size_t bytes) {
    return malloc(bytes); }

KEPT void *inner(size_t bytes) {
    void *block = grab(bytes); AFTER; return block; }

KEPT void *outer(size_t bytes) {
    void *block = inner(bytes); AFTER; return block; }

KEPT long call_back(Callback callback, long number) {
    long result = callback(number); AFTER; return result; }
