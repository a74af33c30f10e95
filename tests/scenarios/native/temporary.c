/* Blocks of 984 bytes that are freed sooner or later; what is allocated meanwhile has 24 bytes, and stays. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BYTES 984
#define OTHER_BYTES 24

static void allocate_others(int count) {
    while (count--)
        if (!malloc(OTHER_BYTES))
            abort();
}

void free_after(int others) {
    void *block = malloc(BYTES);
    allocate_others(others);
    free(block);
}

void unmap_after(int others) {
    void *start = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    allocate_others(others);
    munmap(start, 1 << 20);
}

/* Its half is given back first: what is left is the same mapping, but not as it came. */
void unmap_in_halves(void) {
    char *start = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(start, 1 << 19);
    munmap(start + (1 << 19), 1 << 19);
}

static void *free_here(void *block) {
    free(block);
    return NULL;
}

/* Allocated by this thread, freed by another. */
void hand_over(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, free_here, malloc(BYTES)))
        abort();
    pthread_join(other, NULL);
}

static pthread_barrier_t turn;

static void *free_after_the_other(void *unused) {
    void *block = malloc(BYTES);
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    free(block);
    return unused;
}

static void *allocate_between(void *unused) {
    pthread_barrier_wait(&turn);
    allocate_others(10);
    pthread_barrier_wait(&turn);
    return unused;
}

/* While one thread has its block, the other allocates ten. */
void interleave(void) {
    pthread_t threads[2];
    pthread_barrier_init(&turn, NULL, 2);
    if (pthread_create(&threads[0], NULL, free_after_the_other, NULL) ||
        pthread_create(&threads[1], NULL, allocate_between, NULL))
        abort();
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}
