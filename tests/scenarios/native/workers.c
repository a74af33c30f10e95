/* Native threads that allocate, in the ways in which extension modules use them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

struct task {
    int count;
    size_t bytes;
};

static void *allocate(void *argument) {
    struct task *task = argument;
    void *block;
    for (int i = 0; i < task->count; i++)
        posix_memalign(&block, 64, task->bytes);
    return NULL;
}

/* Starts `threads` threads that ask for `count` blocks each, and waits for them. */
void run(int threads, int count, size_t bytes) {
    pthread_t ids[threads];
    struct task task = {count, bytes};
    for (int i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, allocate, &task);
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
}

static void *nest(void *argument) {
    struct task *task = argument;
    run(1, task->count, task->bytes);
    return NULL;
}

/* The same in a thread of a thread. */
void run_nested(int count, size_t bytes) {
    pthread_t id;
    struct task task = {count, bytes};
    pthread_create(&id, NULL, nest, &task);
    pthread_join(id, NULL);
}

static void *map(void *argument) {
    struct task *task = argument;
    for (int i = 0; i < task->count; i++)
        mmap(NULL, task->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return NULL;
}

void run_mapping(int count, size_t bytes) {
    pthread_t id;
    struct task task = {count, bytes};
    pthread_create(&id, NULL, map, &task);
    pthread_join(id, NULL);
}

/* A pool of one thread, made once, that does a task when told to. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct task *todo;
static int done;

static void *serve(void *argument) {
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (todo == NULL)
            pthread_cond_wait(&changed, &mutex);
        allocate(todo);
        todo = NULL;
        done = 1;
        pthread_cond_broadcast(&changed);
    }
}

void make_pool(void) {
    pthread_t id;
    pthread_create(&id, NULL, serve, NULL);
    pthread_detach(id);
}

void run_in_pool(int count, size_t bytes) {
    struct task task = {count, bytes};
    pthread_mutex_lock(&mutex);
    done = 0;
    todo = &task;
    pthread_cond_broadcast(&changed);
    while (!done)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* A thread that calls back, and then asks for memory of its own. */
struct call {
    void (*back)(void);
    size_t bytes;
};

static void *call_back(void *argument) {
    struct call *call = argument;
    call->back();
    if (malloc(call->bytes) == NULL)
        abort();
    return NULL;
}

void run_calling_back(void (*back)(void), size_t bytes) {
    pthread_t id;
    struct call call = {back, bytes};
    pthread_create(&id, NULL, call_back, &call);
    pthread_join(id, NULL);
}

/* A call back on the thread that waits, after which it goes on waiting for a worker. */
void call_back_then_run(void (*back)(void), int count, size_t bytes) {
    back();
    run(1, count, bytes);
}

/* A thread that ends itself from within, with a block that its end frees. */
static pthread_key_t key;

static void *end_itself(void *argument) {
    struct task *task = argument;
    pthread_setspecific(key, malloc(task->bytes));
    pthread_exit(task);
}

/* 1 if the thread ended with the value that it left. */
int run_ending_itself(size_t bytes) {
    pthread_t id;
    struct task task = {1, bytes};
    void *left;
    pthread_key_create(&key, free);
    pthread_create(&id, NULL, end_itself, &task);
    pthread_join(id, &left);
    return left == &task;
}

/* A block that the end of the calling thread frees, after its last line of Python; by then it asks for another. */
static pthread_key_t at_end;

static void end_of_thread(void *block) {
    free(block);
    free(malloc(64));
}

void prepare_end(void) { pthread_key_create(&at_end, end_of_thread); }
void keep_until_end(size_t bytes) { pthread_setspecific(at_end, malloc(bytes)); }
