// The native bridge: libtorch's own kernels that tch leaves out, for `native/bridge.rs`.
#pragma once
#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/util/Exception.h>
#include <memory>
#include <optional>
#include <vector>
#include "rust/cxx.h"

namespace rust::behavior {
// A C++ exception becomes a Rust error, whatever it is; libtorch's own without its C++ stack.
template <typename Try, typename Fail>
static void trycatch(Try&& func, Fail&& fail) noexcept try {
    func();
} catch (const c10::Error& error) {
    fail(error.what_without_backtrace());
} catch (const std::exception& error) {
    fail(error.what());
} catch (...) {
    fail("an exception that is no std::exception");
}
}  // namespace rust::behavior

namespace amp {

enum class GradientState : std::uint8_t;
struct Range;
struct SgdStep;
struct AdamStep;
struct AutocastState;
struct OpCount;

// Tensors that travel together: parameters, their gradients, one kind of optimizer state.
struct TensorList {
    std::vector<at::Tensor> items;

    std::size_t size() const { return items.size(); }
    void push(const at::Tensor& tensor) { items.push_back(tensor); }
    std::unique_ptr<at::Tensor> at(std::size_t index) const {
        return std::make_unique<at::Tensor>(items.at(index));
    }
    std::unique_ptr<TensorList> select(rust::Slice<const std::uint32_t> indices) const;
};

std::unique_ptr<TensorList> new_list(std::size_t capacity);

// Gradients.
void gather_gradients(const TensorList& params, TensorList& grads, rust::Vec<GradientState>& states);
std::int64_t first_unlike(const TensorList& params, const TensorList& others);
// The index of the first parameter that has one, or the length.
std::size_t first_gradient(const TensorList& params) noexcept;
// Computes the gradients of a loss with one element, of which `gradient` is its own; of all leaves, or of these.
void backward(const at::Tensor& loss, const at::Tensor& gradient);
void backward_for(const at::Tensor& loss, const at::Tensor& gradient, const TensorList& leaves);
void clear_gradients(const TensorList& params);
void set_gradient(const at::Tensor& param, const at::Tensor& grad);
bool is_dense(const at::Tensor& param);
// Returns the 2-norm of what it leaves where that costs nothing, else an undefined tensor.
std::unique_ptr<at::Tensor> check_and_unscale(const TensorList& grads, const at::Tensor& found_inf,
                                              const at::Tensor& inv_scale);
void push_norms(const TensorList& grads, double norm_type, TensorList& norms);
std::unique_ptr<at::Tensor> total_norm(const TensorList& norms, double norm_type);
void multiply(const TensorList& tensors, const at::Tensor& factor);
void clamp(const TensorList& tensors, double limit);

// Updates.
void fused_sgd(const TensorList& params, const TensorList& grads, const TensorList& momentum_buffers,
               Range range, const SgdStep& step, const at::Tensor& found_inf);
void fused_adam(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs,
                const TensorList& exp_avg_sqs, const TensorList& max_exp_avg_sqs, const TensorList& steps,
                Range range, const AdamStep& step, const at::Tensor& found_inf);
void average(const TensorList& averages, const TensorList& values, const at::Tensor& weight);
void copy(const TensorList& targets, const TensorList& sources);

// One update's numbers on their way to the host: copied without waiting, read when they have arrived.
class Deferred {
  public:
    explicit Deferred(const at::Tensor& values);
    ~Deferred();
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    bool ready() const;
    float get(std::size_t index) const;

  private:
    at::Tensor host_;
    std::optional<c10::Event> arrived_;
};
std::unique_ptr<Deferred> defer(const TensorList& scalars);

// Autocast of this thread: a dtype for the CPU, and one for CUDA or MPS.
AutocastState enter_autocast(std::int8_t cpu, std::int8_t accelerator) noexcept;
AutocastState suspend_autocast() noexcept;
void leave_autocast(AutocastState previous) noexcept;

// A tensor's identity and history.
std::size_t identity(const at::Tensor& tensor) noexcept;
std::int64_t version(const at::Tensor& tensor);
std::uint64_t writes(const TensorList& tensors);

// Memory and random numbers of a device; index -1 is the CPU.
std::uint64_t peak_bytes(std::int32_t cuda_index);
std::uint64_t peak_reserved_bytes(std::int32_t cuda_index);
void reset_peak(std::int32_t cuda_index);
void empty_cache(std::int32_t cuda_index);
void keep_freed_memory() noexcept;
std::unique_ptr<at::Tensor> generator_state(std::int32_t cuda_index);
void set_generator_state(std::int32_t cuda_index, const at::Tensor& state);

// What else decides the bits of a result: libtorch itself, and the vector width of its CPU kernels.
rust::String libtorch_version();
rust::String cpu_capability();

// Why CUDA is absent although a driver is there; empty when nothing went wrong.
rust::String cuda_load_error();

// Which operators this thread ran, by name.
void start_counting();
rust::Vec<OpCount> stop_counting();

}  // namespace amp
