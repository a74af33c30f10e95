/* Python's own allocation functions, called by number, so that a test sees no objects of the calls themselves. */
#include <stddef.h>

typedef void *allocate(size_t);
typedef void *allocate_many(size_t, size_t);
typedef void *move(void *, size_t);
typedef void release(void *);

extern allocate PyMem_RawMalloc, PyMem_Malloc, PyObject_Malloc;
extern allocate_many PyMem_RawCalloc, PyMem_Calloc, PyObject_Calloc;
extern move PyMem_RawRealloc, PyMem_Realloc, PyObject_Realloc;
extern release PyMem_RawFree, PyMem_Free, PyObject_Free;

static allocate *const mallocs[] = {PyMem_RawMalloc, PyMem_Malloc, PyObject_Malloc};
static allocate_many *const callocs[] = {PyMem_RawCalloc, PyMem_Calloc, PyObject_Calloc};
static move *const reallocs[] = {PyMem_RawRealloc, PyMem_Realloc, PyObject_Realloc};
static release *const frees[] = {PyMem_RawFree, PyMem_Free, PyObject_Free};
static void *block;

void do_malloc(int domain, int bytes) { block = mallocs[domain](bytes); }
void do_calloc(int domain, int bytes) { block = callocs[domain](1, bytes); }
void do_realloc(int domain, int bytes) { block = reallocs[domain](NULL, bytes); }
void grow(int domain, int bytes) { block = reallocs[domain](block, bytes); }
void do_free(int domain) { frees[domain](block); }
