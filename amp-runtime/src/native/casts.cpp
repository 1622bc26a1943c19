// Casts and when they may be used again. libtorch's own cache looks at nothing but the address.
#include "amp-runtime/src/native/bridge.rs.h"
#include "amp-runtime/src/native/casts.h"
#include "amp-runtime/src/native/nodes.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <atomic>
#include <unordered_map>
#include <vector>

namespace amp {
namespace {

struct WeightCast {
    Source source;
    at::ScalarType dtype;
    at::Tensor cast;
};

// Counts the moments after which no cast that was made before may be used.
thread_local std::uint64_t generation = 0;
thread_local std::unordered_map<const c10::TensorImpl*, WeightCast> weight_casts;
// Weights that layers let libtorch cast.
thread_local std::unordered_map<const c10::TensorImpl*, Source> watched;

// The weights of recurrent layers, by the layer's address.
struct Hidden {
    // Empty until they are known.
    std::vector<at::Tensor> weights;
    bool lost = false;
};
thread_local std::unordered_map<std::size_t, Hidden> hidden;
// A larger graph than this is not looked through.
constexpr std::size_t kMostNodes = 4096;

// Which thread libtorch's cache serves.
std::atomic<bool> cache_owned = false;
thread_local bool owns_cache = false;
thread_local bool cache_before = true;
thread_local std::uint32_t cache_users = 0;
// Whether libtorch may keep casts of weights that are not watched.
thread_local bool unseen = false;

// Whether there is anything to drop: asking the maps costs more than most regions need.
thread_local bool holds = false;

void drop_own() {
    unseen = false;
    if (holds) {
        holds = false;
        weight_casts.clear();
        watched.clear();
        hidden.clear();
    }
}

// The leaves that a tensor was computed from, as its graph has them; none where there is none, or too large a one.
std::vector<at::Tensor> leaves_of(const at::Tensor& result) {
    std::vector<at::Tensor> leaves;
    std::size_t nodes = 0;
    for_each_node(result, [&](torch::autograd::Node& node) {
        if (auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(&node)) {
            leaves.push_back(leaf->variable);
        }
        return ++nodes <= kMostNodes;
    });
    return nodes > kMostNodes ? std::vector<at::Tensor>() : leaves;
}

const void* data_of(const at::Tensor& tensor) noexcept {
    const c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
    return impl->has_storage() ? impl->unsafe_storage().data() : nullptr;
}

}  // namespace

Source::Source(const at::Tensor& tensor)
    : impl_(tensor.getIntrusivePtr()),
      data_(data_of(tensor)),
      offset_(tensor.storage_offset()),
      sizes_(tensor.sizes()),
      strides_(tensor.strides()),
      generation_(generation),
      version_(tensor.unsafeGetTensorImpl()->version_counter().current_version()),
      dtype_(tensor.scalar_type()),
      requires_grad_(tensor.requires_grad()),
      grad_mode_(at::GradMode::is_enabled()) {}

bool Source::is(const at::Tensor& tensor) const noexcept {
    c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
    return impl == impl_._unsafe_get_target() && generation == generation_ && !tensor.is_inference() &&
           impl->version_counter().current_version() == version_ && data_of(tensor) == data_ &&
           impl->storage_offset() == offset_ && impl->sizes() == at::IntArrayRef(sizes_) && impl->strides() == at::IntArrayRef(strides_) &&
           tensor.scalar_type() == dtype_ && at::GradMode::is_enabled() == grad_mode_ &&
           impl->requires_grad() == requires_grad_;
}

std::unique_ptr<Source> remember(const at::Tensor& tensor) {
    if (tensor.is_inference() || c10::InferenceMode::is_enabled()) {
        return nullptr;
    }
    return std::make_unique<Source>(tensor);
}

bool is_weight(const at::Tensor& tensor) {
    return tensor.scalar_type() == at::kFloat && tensor.requires_grad() && tensor.is_leaf() && !tensor.is_view() &&
           !tensor.is_inference() && !c10::InferenceMode::is_enabled();
}

std::unique_ptr<at::Tensor> cast(const at::Tensor& tensor, std::int8_t dtype) {
    at::ScalarType to = static_cast<at::ScalarType>(dtype);
    if (!is_weight(tensor)) {
        return std::make_unique<at::Tensor>(tensor.to(to));
    }
    const c10::TensorImpl* key = tensor.unsafeGetTensorImpl();
    auto found = weight_casts.find(key);
    if (found != weight_casts.end()) {
        if (found->second.dtype == to && found->second.source.is(tensor)) {
            return std::make_unique<at::Tensor>(found->second.cast);
        }
        weight_casts.erase(found);
    }
    at::Tensor made = tensor.to(to);
    holds = true;
    weight_casts.emplace(key, WeightCast{Source(tensor), to, made});
    return std::make_unique<at::Tensor>(std::move(made));
}

void watch_weight(const at::Tensor& weight) {
    if (!weight.defined() || !is_weight(weight)) {
        return;  // libtorch casts it anew each time
    }
    holds = true;
    auto [seen, first] = watched.try_emplace(weight.unsafeGetTensorImpl(), weight);
    if (first && unseen) {
        at::autocast::clear_cache();  // a layer that nobody saw may have had it cast, and since then it may have been written to
        unseen = false;
    } else if (!first && !seen->second.is(weight)) {
        at::autocast::clear_cache();
        seen->second = Source(weight);
    }
}

HiddenWeights begin_recurrent(std::size_t layer) {
    auto [seen, first] = hidden.try_emplace(layer);
    holds = true;
    if (first || seen->second.lost) {
        return HiddenWeights::Unseen;
    }
    if (seen->second.weights.empty()) {
        at::autocast::clear_cache();  // from here on what is kept is what the weights are
        return HiddenWeights::Sought;
    }
    for (const at::Tensor& weight : seen->second.weights) {
        watch_weight(weight);
    }
    return HiddenWeights::Watched;
}

void end_recurrent(std::size_t layer, const at::Tensor& result) {
    auto seen = hidden.find(layer);
    if (seen == hidden.end()) {
        return;
    }
    seen->second.weights = leaves_of(result);
    seen->second.lost = seen->second.weights.empty();
    for (const at::Tensor& weight : seen->second.weights) {
        watch_weight(weight);
    }
    if (seen->second.lost) {
        at::autocast::clear_cache();
    }
}

void drop_casts() {
    ++generation;
    drop_own();
    at::autocast::clear_cache();
}

void drop_ambient_casts() { at::autocast::clear_cache(); }

void use_cache() noexcept {
    if (cache_users++ > 0) {
        return;
    }
    owns_cache = !cache_owned.exchange(true);
    if (!owns_cache) {
        cache_before = set_cast_cache(false);
    }
}

void leave_cache() noexcept {
    if (--cache_users > 0) {
        return;
    }
    if (owns_cache) {
        owns_cache = false;
        cache_owned = false;
    } else {
        set_cast_cache(cache_before);
    }
}

void end_outermost() {
    leave_cache();
    drop_own();
}

void unseen_layer() noexcept { unseen = true; }

bool computed_in(const at::Tensor& result, std::int8_t dtype) {
    const caffe2::TypeMeta wanted = c10::scalarTypeToTypeMeta(static_cast<at::ScalarType>(dtype));
    bool found = false;
    for_each_node(result, [&](const torch::autograd::Node& node) {
        for (std::uint32_t i = 0; !found && i < node.num_inputs(); ++i) {
            found = node.input_metadata(i).dtype() == wanted;
        }
        return !found;
    });
    return found;
}

bool may_be_weight(const at::Tensor& written) {
    // An in-place operation on a leaf that asks for a gradient is only allowed where no graph is recorded.
    return written.defined() && written.scalar_type() == at::kFloat && !written.grad_fn();
}

bool grad_enabled() noexcept { return at::GradMode::is_enabled(); }

bool set_cast_cache(bool enabled) noexcept {
    bool before = at::autocast::is_autocast_cache_enabled();
    at::autocast::set_autocast_cache_enabled(enabled);
    return before;
}

}  // namespace amp
