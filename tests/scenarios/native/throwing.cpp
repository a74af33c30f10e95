// An exception that passes through functions that are being tracked, and a template whose name needs demangling.
#include <cstdlib>
#include <stdexcept>
#define AFTER __asm__ volatile("" ::: "memory")

namespace shop {
template <typename T> [[gnu::noinline]] void *allocate(T bytes) {
    void *block = std::malloc(bytes); AFTER; return block; }

[[gnu::noinline]] void fail(int depth) {
    if (depth == 0) throw std::runtime_error("as wanted");
    fail(depth - 1); AFTER; }
}

extern "C" void *catching(unsigned long bytes) {
    try {
        shop::fail(10);
    } catch (const std::runtime_error &) {
        void *block = shop::allocate(bytes); AFTER; return block;
    }
    return nullptr; }
