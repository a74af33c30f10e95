/* One block of 984 bytes, asked for in each way that the C library has; each returns the block. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 984

void *by_malloc(void) { return malloc(BYTES); }
void *by_calloc(void) { return calloc(12, BYTES / 12); }
void *by_realloc(void) { return realloc(NULL, BYTES); }
void *by_reallocarray(void) { return reallocarray(NULL, 12, BYTES / 12); }
void *by_memalign(void) { return memalign(64, BYTES); }
void *by_aligned_alloc(void) { return aligned_alloc(64, BYTES); }
void *by_valloc(void) { return valloc(BYTES); }
void *by_pvalloc(void) { return pvalloc(BYTES); }

void *by_posix_memalign(void) {
    void *block = NULL;
    posix_memalign(&block, 64, BYTES);
    return block;
}

/* Another block lies behind the first, so that it cannot grow where it is. */
void *by_moving(void) {
    void *block = malloc(24), *behind = malloc(24);
    block = realloc(block, BYTES);
    free(behind);
    return block;
}

/* Functions of the C library that ask for memory themselves. */
void *by_strdup(void) {
    char text[BYTES];
    memset(text, 'x', BYTES - 1);
    text[BYTES - 1] = 0;
    return strdup(text);
}

void *by_getline(void) {
    char *line = NULL;
    size_t bytes = 0;
    char text[] = "short\n";
    FILE *file = fmemopen(text, sizeof text - 1, "r");
    getline(&line, &bytes, file);
    fclose(file);
    return realloc(line, BYTES);
}

void give_back(void *block) { free(block); }

/* What must change nothing: 1 if each call failed as it should. */
int fail(void *block) {
    void *other = block;
    int failed = malloc((size_t)-1) == NULL && calloc((size_t)-1, 2) == NULL && realloc(block, (size_t)-1) == NULL &&
                 reallocarray(block, (size_t)-1, 2) == NULL && aligned_alloc(64, (size_t)-64) == NULL &&
                 posix_memalign(&other, 3, 100) != 0 && other == block;
    free(NULL);
    return failed;
}

/* A block that nobody saw come: who asks for the next malloc behind himself gets the C library's own. */
void free_unknown(void) {
    void *(*unseen)(size_t) = dlsym(RTLD_NEXT, "malloc");
    free(unseen(BYTES));
}

/* Frees a block as realloc does. */
void *shrink_to_nothing(void *block) { return realloc(block, 0); }

/* The same block, grown in ever larger steps and shrunk again: one block at each time. */
void *grow_and_shrink(void) {
    void *block = NULL;
    for (size_t bytes = 16; bytes <= 1 << 20; bytes *= 2)
        block = realloc(block, bytes);
    return realloc(block, BYTES);
}
