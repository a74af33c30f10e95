/* Three libraries in one file: INNER asks for a block, OUTER needs INNER, OPENER loads OUTER while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#if defined INNER
void *by_inner(void) { return malloc(984); }
void give_back_inner(void *block) { free(block); }
#elif defined OUTER
void *by_inner(void);
void give_back_inner(void *block);
void *by_outer(void) { return by_inner(); }
void give_back(void *block) { give_back_inner(block); }
#else
static void *opened;

/* NULL if it cannot be loaded. */
void *open_library(const char *name, int flags) { return opened = dlopen(name, flags); }

/* In a namespace of its own, with a C library of its own. */
void *open_apart(const char *name) { return opened = dlmopen(LM_ID_NEWLM, name, RTLD_NOW); }

void *by_opened(void) {
    void *(*ask)(void) = dlsym(opened, "by_outer");
    return ask();
}

void give_back_opened(void *block) {
    void (*give_back)(void *) = dlsym(opened, "give_back");
    give_back(block);
}
#endif
