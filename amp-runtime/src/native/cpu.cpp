// libtorch's multi-tensor functions are loops of single ones on the CPU: 300 parameters are 300 dispatches, three times.
#include "amp-runtime/src/native/cpu.h"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

// The widest vectors that the machine has, chosen when the program starts.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define AMP_WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AMP_WIDEST
#endif
#if defined(__GNUC__)
#define AMP_INLINE inline __attribute__((always_inline))
#else
#define AMP_INLINE inline
#endif

namespace amp {
namespace {

constexpr int64_t kBlock = 16384;  // 64 KiB: stays in the first caches, and is worth a thread's while
constexpr int64_t kLanes = 32;

struct Block {
    float* data;
    int64_t len;
};

// The same blocks whatever the number of threads, so that sums come out the same.
std::vector<Block> blocks(at::TensorList tensors) {
    std::vector<Block> blocks;
    blocks.reserve(tensors.size());
    for (const at::Tensor& tensor : tensors) {
        float* data = tensor.mutable_data_ptr<float>();
        for (int64_t start = 0; start < tensor.numel(); start += kBlock) {
            blocks.push_back({data + start, std::min(kBlock, tensor.numel() - start)});
        }
    }
    return blocks;
}

template <typename Work>
void for_each_block(const std::vector<Block>& blocks, Work work) {
    int64_t elements = 0;
    for (const Block& block : blocks) {
        elements += block.len;
    }
    // A thread gets at least a block's worth of elements, however small the tensors are.
    int64_t count = static_cast<int64_t>(blocks.size());
    int64_t grain = elements == 0 ? 1 : std::max<int64_t>(1, count * kBlock / elements);
    at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            work(i, blocks[i]);
        }
    });
}

constexpr std::uint32_t kExponent = 0x7f800000u;  // all ones: inf or NaN

struct Lanes {
    float squares[kLanes];
    std::uint32_t exponents[kLanes];
};

AMP_INLINE void unscale_element(float& value, float inv_scale, Lanes& lanes, int64_t lane) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits &= kExponent;
    lanes.exponents[lane] = bits > lanes.exponents[lane] ? bits : lanes.exponents[lane];
    value *= inv_scale;
    lanes.squares[lane] += value * value;
}

// Returns whether a value was not finite; `squares` is the sum of the squares of what it leaves.
// Sums run in lanes, and the check on bits, because compilers make vectors of that and not of one sum and `isfinite`.
AMP_WIDEST bool unscale_block(float* data, int64_t len, float inv_scale, float* squares) {
    Lanes lanes = {};
    int64_t start = 0;
    for (; start + kLanes <= len; start += kLanes) {
        for (int64_t lane = 0; lane < kLanes; ++lane) {
            unscale_element(data[start + lane], inv_scale, lanes, lane);
        }
    }
    for (int64_t lane = 0; start + lane < len; ++lane) {
        unscale_element(data[start + lane], inv_scale, lanes, lane);
    }
    *squares = std::accumulate(lanes.squares, lanes.squares + kLanes, 0.f);
    return *std::max_element(lanes.exponents, lanes.exponents + kLanes) == kExponent;
}

AMP_WIDEST void multiply_block(float* data, int64_t len, float factor) {
    for (int64_t i = 0; i < len; ++i) {
        data[i] *= factor;
    }
}

}  // namespace

bool known_to_cpu(at::TensorList tensors) {
    for (const at::Tensor& tensor : tensors) {
        if (!tensor.is_cpu() || tensor.scalar_type() != at::kFloat || !tensor.is_non_overlapping_and_dense()) {
            return false;
        }
    }
    return true;
}

at::Tensor check_unscale_and_norm(at::TensorList grads, float& found_inf, float inv_scale) {
    std::vector<Block> parts = blocks(grads);
    std::vector<float> squares(parts.size());
    std::vector<char> spoiled(parts.size());
    for_each_block(parts, [&](int64_t i, const Block& block) {
        spoiled[i] = unscale_block(block.data, block.len, inv_scale, &squares[i]);
    });
    double total = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
        total += squares[i];
        if (spoiled[i]) {
            found_inf = 1;
        }
    }
    return at::scalar_tensor(std::sqrt(static_cast<float>(total)), at::kFloat);
}

void multiply_all(at::TensorList tensors, float factor) {
    if (factor == 1) {
        return;
    }
    for_each_block(blocks(tensors), [&](int64_t, const Block& block) { multiply_block(block.data, block.len, factor); });
}

}  // namespace amp
