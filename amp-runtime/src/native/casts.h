// Casts and when they may be used again: what a tensor was when it was cast, and the casts of weights.
#pragma once
#include <ATen/ATen.h>
#include <ATen/core/DimVector.h>
#include <cstdint>
#include <memory>

namespace amp {

// The dtype in the low byte, the device type in the next; -1 where there is no tensor. One call, as every site makes it.
inline std::int32_t glance(const at::Tensor& tensor) noexcept {
    if (!tensor.defined()) {
        return -1;
    }
    return static_cast<std::uint8_t>(tensor.scalar_type()) |
           static_cast<std::int32_t>(static_cast<std::uint8_t>(tensor.device().type())) << 8;
}

// A tensor as it was at one moment. The weak reference keeps its address from being given to another tensor.
class Source {
  public:
    explicit Source(const at::Tensor& tensor);
    // Whether this is still that tensor, with the same values as far as libtorch counts writes, under the same grad mode.
    bool is(const at::Tensor& tensor) const noexcept;

  private:
    c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl> impl_;
    const void* data_;
    std::int64_t offset_;
    at::DimVector sizes_, strides_;
    std::uint64_t generation_;
    std::uint32_t version_;
    at::ScalarType dtype_;
    bool requires_grad_;
    bool grad_mode_;
};

// None where nobody counts writes: inference tensors.
std::unique_ptr<Source> remember(const at::Tensor& tensor);

// A leaf in f32 that asks for a gradient, as libtorch's own cache has it.
bool is_weight(const at::Tensor& tensor);
// In dtype `dtype`; a weight's cast is kept until the outermost region ends or somebody may have written to it.
std::unique_ptr<at::Tensor> cast(const at::Tensor& tensor, std::int8_t dtype);
// Whether what libtorch keeps of a recurrent layer's weights, which nobody sees, may be used by a call that begins. From the second
// call in an outermost region on it may be: the graph of that one's result says which weights they are, and they are watched.
enum class HiddenWeights : std::uint8_t;
HiddenWeights begin_recurrent(std::size_t layer);
// The second call has returned.
void end_recurrent(std::size_t layer, const at::Tensor& result);
// Drops libtorch's casts where this weight is not what it was when last seen in the outermost region.
void watch_weight(const at::Tensor& weight);
// After weights were written to: every cast of a weight on this thread is void, libtorch's own too.
void drop_casts();
// Of those, only what libtorch keeps itself.
void drop_ambient_casts();
// A region that libtorch may keep casts for begins and ends on this thread; they nest. Its cache is one for all threads and takes no
// notice of who wrote what, so it serves one of them at a time; the others cast anew.
void use_cache() noexcept;
void leave_cache() noexcept;
// Leaves the cache at the end of an outermost `#[amp]` region, and drops what was kept for it.
void end_outermost();
// A layer ran whose weights nobody saw.
void unseen_layer() noexcept;
// Whether an operation that the result was computed by gave this dtype.
bool computed_in(const at::Tensor& result, std::int8_t dtype);
// Whether an in-place operation that returned this may have written to a weight.
bool may_be_weight(const at::Tensor& written);

bool grad_enabled() noexcept;
// Returns what it was.
bool set_cast_cache(bool enabled) noexcept;

}  // namespace amp
