// Calls into libtorch. Nothing is decided here: checks that only C++ can make, then libtorch's own kernels.
#include "amp-runtime/src/native/amp.h"
#include "amp-runtime/src/native/bridge.rs.h"
#include "amp-runtime/src/native/casts.h"
#include "amp-runtime/src/native/cpu.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <torch/headeronly/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <dlfcn.h>
#include <unistd.h>
#endif

namespace amp {
namespace {

#if defined(__APPLE__)
constexpr at::DeviceType kAutocastDevices[] = {at::kCPU, at::kMPS};
#else
constexpr at::DeviceType kAutocastDevices[] = {at::kCPU, at::kCUDA};
#endif

// Everything here works on values, not on the graph: no autograd, no autocast, and one dispatch less per call.
struct BelowAutograd {
    at::NoGradGuard no_grad;
    at::AutoDispatchBelowADInplaceOrView below;
    c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::autocast_dispatch_keyset};
};

// Below autograd nobody counts writes, and the fused kernels never do: whoever saved one of these must notice.
void bump_versions(at::TensorList tensors) {
    for (const at::Tensor& tensor : tensors) {
        if (!tensor.is_inference()) {
            tensor.unsafeGetTensorImpl()->bump_version();
        }
    }
}

at::TensorList slice(const TensorList& list, Range range) {
    return at::TensorList(list.items).slice(range.start, range.len);
}

// Strides say the same where they differ only in dimensions of one element.
bool same_layout(const at::Tensor& a, const at::Tensor& b) {
    if (a.sizes() != b.sizes()) {
        return false;
    }
    for (int64_t dim = 0; dim < a.dim(); ++dim) {
        if (a.size(dim) != 1 && a.stride(dim) != b.stride(dim)) {
            return false;
        }
    }
    return true;
}

bool alike(const at::Tensor& a, const at::Tensor& b) {
    return a.scalar_type() == b.scalar_type() && a.device() == b.device() && same_layout(a, b);
}

// The fused kernels walk raw memory: a tensor laid out otherwise gives wrong numbers without an error.
void require_alike(at::TensorList params, at::TensorList others, const char* what) {
    TORCH_CHECK(params.size() == others.size(), what, ": ", others.size(), " tensors for ", params.size(), " parameters");
    for (size_t i = 0; i < params.size(); ++i) {
        const at::Tensor &param = params[i], &other = others[i];
        TORCH_CHECK(alike(param, other), what, " of parameter ", i, " no longer matches it: ", other.toString(), other.sizes(), " with strides ",
                    other.strides(), " against ", param.toString(), param.sizes(), " with strides ", param.strides());
    }
}

std::vector<at::Tensor> in_f32(at::TensorList tensors) {
    std::vector<at::Tensor> wide;
    for (const at::Tensor& tensor : tensors) {
        wide.push_back(at::empty_like(tensor, tensor.options().dtype(at::kFloat)));
    }
    if (!wide.empty()) {
        at::_foreach_copy_(wide, tensors);
    }
    return wide;
}

}  // namespace

std::unique_ptr<TensorList> new_list(std::size_t capacity) {
    auto list = std::make_unique<TensorList>();
    list->items.reserve(capacity);
    return list;
}

std::unique_ptr<TensorList> TensorList::select(rust::Slice<const std::uint32_t> indices) const {
    auto list = new_list(indices.size());
    for (std::uint32_t index : indices) {
        list->push(items.at(index));
    }
    return list;
}

void gather_gradients(const TensorList& params, TensorList& grads, rust::Vec<GradientState>& states) {
    at::NoGradGuard no_grad;
    states.reserve(params.size());
    for (const at::Tensor& param : params.items) {
        const at::Tensor& grad = param.grad();
        GradientState state = GradientState::Ready;
        if (!grad.defined()) {
            state = GradientState::Missing;
        } else if (grad.layout() != at::kStrided) {
            state = GradientState::Sparse;
        } else if (grad.device() != param.device()) {
            state = GradientState::Device;
        } else if (grad.scalar_type() != param.scalar_type()) {
            state = GradientState::Dtype;
        } else if (grad.sizes() != param.sizes()) {
            state = GradientState::Shape;
        } else if (!same_layout(param, grad) || grad.is_neg() || grad._is_zerotensor()) {
            // Raw memory must be the gradient: in the parameter's layout, without a pending sign, with data at all.
            at::Tensor relaid = at::empty_like(param, at::MemoryFormat::Preserve);
            relaid.copy_(grad);
            param.mutable_grad() = relaid;
        }
        if (state == GradientState::Ready) {
            grads.push(param.grad());
        }
        states.push_back(state);
    }
}

std::int64_t first_unlike(const TensorList& params, const TensorList& others) {
    for (size_t i = 0; i < others.items.size(); ++i) {
        if (!alike(params.items.at(i), others.items[i])) {
            return static_cast<std::int64_t>(i);
        }
    }
    return -1;
}

std::size_t first_gradient(const TensorList& params) noexcept {
    auto has_one = [](const at::Tensor& param) { return param.grad().defined(); };
    return std::find_if(params.items.begin(), params.items.end(), has_one) - params.items.begin();
}

void backward(const at::Tensor& loss, const at::Tensor& gradient) {
    at::AutoGradMode with_grad(true);
    loss.backward(gradient.view(loss.sizes()));
}

void backward_for(const at::Tensor& loss, const at::Tensor& gradient, const TensorList& leaves) {
    at::AutoGradMode with_grad(true);
    std::vector<at::Tensor> wanted;
    // libtorch refuses the others.
    std::copy_if(leaves.items.begin(), leaves.items.end(), std::back_inserter(wanted),
                 [](const at::Tensor& leaf) { return leaf.requires_grad(); });
    if (!wanted.empty()) {
        loss.backward(gradient.view(loss.sizes()), /*retain_graph=*/std::nullopt, /*create_graph=*/false, wanted);
    }
}

void clear_gradients(const TensorList& params) {
    for (const at::Tensor& param : params.items) {
        param.mutable_grad().reset();
    }
}

void set_gradient(const at::Tensor& param, const at::Tensor& grad) { param.mutable_grad() = grad; }

bool is_dense(const at::Tensor& param) {
    return param.layout() == at::kStrided && param.is_non_overlapping_and_dense();
}

std::unique_ptr<at::Tensor> check_and_unscale(const TensorList& grads, const at::Tensor& found_inf,
                                              const at::Tensor& inv_scale) {
    BelowAutograd guard;
    at::Tensor norm, found = found_inf;
    if (known_to_cpu(grads.items) && found.is_cpu() && inv_scale.is_cpu()) {
        norm = check_unscale_and_norm(grads.items, *found.mutable_data_ptr<float>(), *inv_scale.const_data_ptr<float>());
    } else if (!grads.items.empty() && grads.items[0].is_cuda() && grads.items[0].scalar_type() == at::kBFloat16) {
        // CUDA's kernel of 2.11 knows f16, f32 and f64.
        std::vector<at::Tensor> wide = in_f32(grads.items);
        at::_amp_foreach_non_finite_check_and_unscale_(wide, found, inv_scale);
        at::_foreach_copy_(grads.items, wide);
    } else {
        at::_amp_foreach_non_finite_check_and_unscale_(grads.items, found, inv_scale);
    }
    bump_versions(grads.items);
    return std::make_unique<at::Tensor>(norm);
}

void push_norms(const TensorList& grads, double norm_type, TensorList& norms) {
    BelowAutograd guard;
    // Sums in f32 at least; libtorch refuses to narrow f64 while it sums.
    bool narrow = !grads.items.empty() && grads.items[0].scalar_type() == at::kDouble;
    // And some norms of tensors without elements.
    std::vector<at::Tensor> filled;
    std::copy_if(grads.items.begin(), grads.items.end(), std::back_inserter(filled),
                 [](const at::Tensor& grad) { return grad.numel() > 0; });
    if (filled.empty()) {
        norms.items.push_back(at::zeros({}, grads.items.at(0).options().dtype(at::kFloat)));
        return;
    }
    for (const at::Tensor& norm : at::_foreach_norm(filled, norm_type, narrow ? at::kDouble : at::kFloat)) {
        norms.items.push_back(norm.scalar_type() == at::kFloat ? norm : norm.to(at::kFloat));
    }
}

std::unique_ptr<at::Tensor> total_norm(const TensorList& norms, double norm_type) {
    BelowAutograd guard;
    return std::make_unique<at::Tensor>(at::linalg_vector_norm(at::stack(norms.items), norm_type));
}

void multiply(const TensorList& tensors, const at::Tensor& factor) {
    BelowAutograd guard;
    if (tensors.items.empty()) {
        return;
    }
    if (known_to_cpu(tensors.items) && factor.is_cpu()) {
        multiply_all(tensors.items, *factor.const_data_ptr<float>());
    } else {
        at::ScalarType dtype = tensors.items[0].scalar_type();
        if (dtype == at::kBFloat16 && tensors.items[0].is_cuda()) {
            // One launch for all wants a factor of their dtype, and a factor in bf16 would be off by up to 0.4 %.
            std::vector<at::Tensor> wide = in_f32(tensors.items);
            at::_foreach_mul_(wide, factor);
            at::_foreach_copy_(tensors.items, wide);
        } else {
            at::_foreach_mul_(tensors.items, dtype == at::kDouble ? factor.to(dtype) : factor);
        }
    }
    bump_versions(tensors.items);
}

void clamp(const TensorList& tensors, double limit) {
    BelowAutograd guard;
    if (tensors.items.empty() || (tensors.items[0].scalar_type() != at::kDouble && limit > std::numeric_limits<float>::max())) {
        return;  // f32 and bf16 have no larger number
    }
    at::_foreach_clamp_min_(tensors.items, -limit);
    at::_foreach_clamp_max_(tensors.items, limit);
    bump_versions(tensors.items);
}

namespace {
// The memory of each in one dimension. The CPU's kernels of 2.11 first copy a gradient that is not contiguous, and do not use the
// copy: a tenth of a training step for weights with their channels last.
std::vector<at::Tensor> as_it_lies(at::TensorList tensors) {
    std::vector<at::Tensor> flat(tensors.begin(), tensors.end());
    for (at::Tensor& tensor : flat) {
        if (tensor.is_cpu() && !tensor.is_contiguous()) {
            tensor = tensor.as_strided({tensor.numel()}, {1});
        }
    }
    return flat;
}
}  // namespace

void fused_sgd(const TensorList& params, const TensorList& grads, const TensorList& momentum_buffers, Range range,
               const SgdStep& step, const at::Tensor& found_inf) {
    BelowAutograd guard;
    at::TensorList p = slice(params, range), g = slice(grads, range);
    at::TensorList buffers = step.momentum == 0. ? at::TensorList() : slice(momentum_buffers, range);
    require_alike(p, g, "the gradient");
    if (!buffers.empty()) {
        require_alike(p, buffers, "the momentum buffer");
    }
    auto update = [&](at::TensorList p, at::TensorList g, at::TensorList buffers) {
        at::_fused_sgd_(as_it_lies(p), as_it_lies(g), as_it_lies(buffers), step.weight_decay, step.momentum, step.lr,
                        step.dampening, step.nesterov, step.maximize, step.is_first_step, /*grad_scale=*/std::nullopt, found_inf);
    };
    if (!p.empty() && p[0].is_cpu() && p[0].scalar_type() == at::kBFloat16) {
        // On the CPU the kernel of 2.11 computes bf16 sixteen at a time and forgets to store them: only a tail is updated.
        std::vector<at::Tensor> wide_p = in_f32(p), wide_buffers = in_f32(buffers);
        update(wide_p, in_f32(g), wide_buffers);
        at::_foreach_copy_(p, wide_p);
        if (!buffers.empty()) {
            at::_foreach_copy_(buffers, wide_buffers);
        }
    } else {
        update(p, g, buffers);
    }
    bump_versions(p);
    bump_versions(buffers);
    drop_casts();
}

void fused_adam(const TensorList& params, const TensorList& grads, const TensorList& exp_avgs,
                const TensorList& exp_avg_sqs, const TensorList& max_exp_avg_sqs, const TensorList& steps, Range range,
                const AdamStep& step, const at::Tensor& found_inf) {
    BelowAutograd guard;
    at::TensorList p = slice(params, range), g = slice(grads, range);
    at::TensorList avgs = slice(exp_avgs, range), sqs = slice(exp_avg_sqs, range);
    at::TensorList maxima = step.amsgrad ? slice(max_exp_avg_sqs, range) : at::TensorList();
    require_alike(p, g, "the gradient");
    require_alike(p, avgs, "exp_avg");
    require_alike(p, sqs, "exp_avg_sq");
    if (step.amsgrad) {
        require_alike(p, maxima, "max_exp_avg_sq");
    }
    auto update = [&](auto kernel) {
        kernel(as_it_lies(p), as_it_lies(g), as_it_lies(avgs), as_it_lies(sqs), as_it_lies(maxima), slice(steps, range), step.lr,
               step.beta1, step.beta2, step.weight_decay, step.eps, step.amsgrad, step.maximize, /*grad_scale=*/std::nullopt,
               found_inf);
    };
    if (step.decoupled) {
        update([](auto&&... args) { at::_fused_adamw_(args...); });
    } else {
        update([](auto&&... args) { at::_fused_adam_(args...); });
    }
    bump_versions(p);
    bump_versions(avgs);
    bump_versions(sqs);
    bump_versions(maxima);
    drop_casts();
}

void average(const TensorList& averages, const TensorList& values, const at::Tensor& weight) {
    BelowAutograd guard;
    at::_foreach_add_(averages.items, at::_foreach_mul(at::_foreach_sub(values.items, averages.items), weight));
    bump_versions(averages.items);
}

void copy(const TensorList& targets, const TensorList& sources) {
    BelowAutograd guard;
    at::_foreach_copy_(targets.items, sources.items);
    bump_versions(targets.items);
    drop_casts();
}

Deferred::Deferred(const at::Tensor& values) {
    BelowAutograd guard;
    if (values.is_cpu()) {
        host_ = values;
        return;
    }
    host_ = at::empty(values.sizes(), values.options().device(at::kCPU).pinned_memory(values.is_cuda()));
    host_.copy_(values, /*non_blocking=*/values.is_cuda());
    if (values.is_cuda()) {
        arrived_.emplace(values.device().type());
        arrived_->record(c10::impl::VirtualGuardImpl(values.device().type()).getStream(values.device()));
    }
}

Deferred::~Deferred() {
    try {
        ready();
    } catch (...) {
        // The device is lost: freeing pinned memory would throw from here, which ends the process. It ends soon anyway.
        (void)host_.unsafeReleaseTensorImpl();
    }
}

bool Deferred::ready() const { return !arrived_ || arrived_->query(); }

float Deferred::get(std::size_t index) const {
    if (arrived_) {
        arrived_->synchronize();
    }
    TORCH_CHECK(index < static_cast<std::size_t>(host_.numel()), "outcome ", index, " of ", host_.numel());
    return host_.const_data_ptr<float>()[index];
}

std::unique_ptr<Deferred> defer(const TensorList& scalars) {
    BelowAutograd guard;
    return std::make_unique<Deferred>(at::stack(scalars.items));
}

namespace {
// `dtypes`: one per entry of `kAutocastDevices`, or null where they stay.
AutocastState switch_autocast(bool enabled, const at::ScalarType* dtypes) noexcept {
    AutocastState previous{};
    bool changed = false;
    for (size_t i = 0; i < std::size(kAutocastDevices); ++i) {
        at::DeviceType device = kAutocastDevices[i];
        previous.enabled[i] = at::autocast::is_autocast_enabled(device);
        previous.dtype[i] = static_cast<std::int8_t>(at::autocast::get_autocast_dtype(device));
        if (previous.enabled[i] != enabled) {
            at::autocast::set_autocast_enabled(device, enabled);
        }
        if (dtypes != nullptr && at::autocast::get_autocast_dtype(device) != dtypes[i]) {
            changed = true;
            at::autocast::set_autocast_dtype(device, dtypes[i]);
        }
    }
    if (changed) {
        at::autocast::clear_cache();  // it does not know the dtype that it casts to
    }
    previous.nesting = at::autocast::increment_nesting();
    return previous;
}
}  // namespace

AutocastState enter_autocast(std::int8_t cpu, std::int8_t accelerator) noexcept {
    const at::ScalarType low[] = {static_cast<at::ScalarType>(cpu), static_cast<at::ScalarType>(accelerator)};
    static_assert(std::size(low) == std::size(kAutocastDevices));
    return switch_autocast(true, low);
}

AutocastState suspend_autocast() noexcept { return switch_autocast(false, nullptr); }

void leave_autocast(AutocastState previous) noexcept {
    // Casts of weights are shared within the outermost region only, and have the dtype of theirs.
    bool stale = at::autocast::decrement_nesting() == 0;
    for (size_t i = 0; i < std::size(kAutocastDevices); ++i) {
        at::DeviceType device = kAutocastDevices[i];
        if (at::autocast::is_autocast_enabled(device) != previous.enabled[i]) {
            at::autocast::set_autocast_enabled(device, previous.enabled[i]);
        }
        at::ScalarType dtype = static_cast<at::ScalarType>(previous.dtype[i]);
        if (at::autocast::get_autocast_dtype(device) != dtype) {
            stale = true;
            at::autocast::set_autocast_dtype(device, dtype);
        }
    }
    if (stale) {
        at::autocast::clear_cache();
    }
}

std::size_t identity(const at::Tensor& tensor) noexcept {
    return reinterpret_cast<std::size_t>(tensor.unsafeGetTensorImpl());
}

std::uint64_t writes(const TensorList& tensors) {
    std::uint64_t sum = 0;
    for (const at::Tensor& tensor : tensors.items) {
        sum += tensor.is_inference() ? 0 : tensor._version();
    }
    return sum;
}

std::int64_t version(const at::Tensor& tensor) { return tensor.is_inference() ? -1 : tensor._version(); }

namespace {
// The allocator's, which counts from the first use of the device on.
c10::DeviceAllocator* cuda_allocator(std::int32_t index) {
    TORCH_CHECK(at::hasCUDA(), "CUDA is not available");
    at::globalContext().lazyInitDevice(at::kCUDA);
    auto count = c10::impl::VirtualGuardImpl(at::kCUDA).deviceCount();
    TORCH_CHECK(index >= 0 && index < count, "there is no CUDA device ", index, ": there are ", static_cast<int>(count));
    return c10::getDeviceAllocator(at::kCUDA);
}
}  // namespace

std::uint64_t peak_bytes(std::int32_t cuda_index) {
    auto stats = cuda_allocator(cuda_index)->getDeviceStats(static_cast<c10::DeviceIndex>(cuda_index));
    return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

std::uint64_t peak_reserved_bytes(std::int32_t cuda_index) {
    auto stats = cuda_allocator(cuda_index)->getDeviceStats(static_cast<c10::DeviceIndex>(cuda_index));
    return stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

void reset_peak(std::int32_t cuda_index) {
    cuda_allocator(cuda_index)->resetPeakStats(static_cast<c10::DeviceIndex>(cuda_index));
}

void empty_cache(std::int32_t cuda_index) { cuda_allocator(cuda_index)->emptyCache(); }

void keep_freed_memory() noexcept {
#if defined(__GLIBC__)
    // The heap never shrinks, and no block is mapped for itself, which would be unmapped when it is freed.
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_MMAP_MAX, 0);
    // Freeing a large block first merges all the small ones that wait in fast bins, and a step frees thousands of both.
    mallopt(M_MXFAST, 0);
#endif
}

namespace {
const at::Generator& generator(std::int32_t cuda_index) {
    at::Device device = cuda_index < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(cuda_index));
    return at::globalContext().defaultGenerator(device);
}
}  // namespace

std::unique_ptr<at::Tensor> generator_state(std::int32_t cuda_index) {
    at::Generator source = generator(cuda_index);
    std::lock_guard<std::mutex> lock(source.mutex());
    return std::make_unique<at::Tensor>(source.get_state());
}

void set_generator_state(std::int32_t cuda_index, const at::Tensor& state) {
    at::Generator target = generator(cuda_index);
    std::lock_guard<std::mutex> lock(target.mutex());
    target.set_state(state);
}

rust::String libtorch_version() { return TORCH_VERSION; }

rust::String cpu_capability() { return at::get_cpu_capability(); }

namespace {
using OpCounts = std::map<std::string, std::uint64_t>;
thread_local OpCounts op_counts;
// Where the counts stood when each count began that is still under way, innermost last.
thread_local std::vector<OpCounts> counts_before;
thread_local at::CallbackHandle counting;

std::unique_ptr<at::ObserverContext> count_op(const at::RecordFunction& function) {
    ++op_counts[function.name()];
    return nullptr;
}
}  // namespace

void start_counting() {
    if (counts_before.empty()) {
        op_counts.clear();
        counting = at::addThreadLocalCallback(at::RecordFunctionCallback(count_op).scopes({at::RecordScope::FUNCTION}));
    }
    counts_before.push_back(op_counts);
}

rust::Vec<OpCount> stop_counting() {
    rust::Vec<OpCount> counts;
    TORCH_CHECK(!counts_before.empty(), "no count is under way on this thread");
    for (const auto& [name, count] : op_counts) {
        std::uint64_t before = counts_before.back()[name];
        if (count > before) {
            counts.push_back(OpCount{name, count - before});
        }
    }
    counts_before.pop_back();
    if (counts_before.empty()) {
        at::removeCallback(counting);
    }
    return counts;
}

#if defined(__linux__)
namespace {
// The linker drops libtorch_cuda.so, whose symbols nobody names; without it libtorch has no CUDA and does not say so.
// Before main, so before libtorch's single look-up of its CUDA hooks. Without a driver it would cost 0.6 s and 330 MB.
std::string load_cuda() {
    if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) {
        std::string error = dlerror();
        return access("/dev/nvidiactl", F_OK) == 0 ? error : "";
    }
    Dl_info libtorch_cpu;
    if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &libtorch_cpu) == 0 || libtorch_cpu.dli_fname == nullptr) {
        return "libtorch_cpu.so was not found in this process";
    }
    std::string path(libtorch_cpu.dli_fname);
    path = path.substr(0, path.find_last_of('/') + 1) + "libtorch_cuda.so";
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
        return dlerror();
    }
    return "";
}
const std::string cuda_error = load_cuda();
}  // namespace

rust::String cuda_load_error() { return rust::String::lossy(cuda_error); }
#else
rust::String cuda_load_error() { return rust::String(); }
#endif

}  // namespace amp
