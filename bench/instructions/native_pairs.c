/* Blocks of malloc that no Python code asks for one by one: what a native extension does. */

#include <stdlib.h>

void pairs(long count) {
    for (long done = 0; done < count; done++) {
        void *volatile block = malloc(256);
        free(block);
    }
}
