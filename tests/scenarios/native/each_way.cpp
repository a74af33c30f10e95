// One block of 984 bytes, asked for in each way that C++ has.
#include <new>
#include <vector>

namespace {
constexpr std::size_t bytes = 984;
} // namespace

extern "C" {
void *by_new() { return ::operator new(bytes); }
void *by_new_array() { return new char[bytes]; }
void *by_nothrow_new() { return ::operator new(bytes, std::nothrow); }
void *by_aligned_new() { return ::operator new(bytes, std::align_val_t(8)); }

void *by_vector() {
    auto *vector = new std::vector<double>;
    vector->reserve(bytes / sizeof(double));
    return vector;
}

void give_back(void *block) { ::operator delete(block); }
void give_back_sized(void *block) { ::operator delete(block, bytes); }
void give_back_array(void *block) { delete[] static_cast<char *>(block); }
void give_back_aligned(void *block) { ::operator delete(block, std::align_val_t(8)); }
void give_back_vector(void *vector) { delete static_cast<std::vector<double> *>(vector); }

// 1 if it threw.
int fail() {
    try {
        ::operator delete(::operator new(static_cast<std::size_t>(-1) / 2));
    } catch (const std::bad_alloc &) {
        return 1;
    }
    return 0;
}
}
