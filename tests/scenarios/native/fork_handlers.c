/* Allocates, and starts a thread, before and after each fork. */
#include <pthread.h>
#include <stdlib.h>

static void *do_nothing(void *argument) { return argument; }

static void handle(void) {
    pthread_t id;
    free(malloc(1000));
    pthread_create(&id, NULL, do_nothing, NULL);
    pthread_join(id, NULL);
}

__attribute__((constructor)) static void register_handlers(void) { pthread_atfork(handle, handle, handle); }
