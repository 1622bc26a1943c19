// Gradients and values of variables whose memory is somebody else's to write.
#include "amp-runtime/src/native/gradients.h"
#include "amp-runtime/src/native/amp.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <vector>

namespace amp {

void take_gradients(const TensorList& params, TensorList& grads) {
    for (const at::Tensor& param : params.items) {
        grads.push(param.grad());
        param.mutable_grad().reset();
    }
}

void keep_gradients(const TensorList& params, const TensorList& grads) {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < params.items.size(); ++i) {
        at::Tensor& grad = params.items[i].mutable_grad();
        if (grad.defined() && grad.is_same(grads.items.at(i))) {
            grad = grad.clone();
        }
    }
}

void add_gradients(const TensorList& params, const TensorList& grads) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> sums, added;
    for (size_t i = 0; i < params.items.size(); ++i) {
        const at::Tensor& fresh = grads.items.at(i);
        at::Tensor& grad = params.items[i].mutable_grad();
        if (fresh.defined() && grad.defined()) {
            sums.push_back(grad);
            added.push_back(fresh);
        } else if (fresh.defined()) {
            grad = fresh;
        }
    }
    if (!sums.empty()) {
        at::_foreach_add_(sums, added);
    }
}

void restore(const TensorList& tensors, const TensorList& values) {
    at::NoGradGuard no_grad;
    at::AutoDispatchBelowADInplaceOrView uncounted;
    for (size_t i = 0; i < tensors.items.size(); ++i) {
        at::Tensor target = tensors.items[i];
        target.copy_(values.items.at(i));
    }
}

rust::Vec<std::size_t> places(const TensorList& tensors) {
    rust::Vec<std::size_t> found;
    found.reserve(2 * tensors.size());
    for (const at::Tensor& tensor : tensors.items) {
        found.push_back(reinterpret_cast<std::size_t>(tensor.data_ptr()));
        found.push_back(tensor.requires_grad());
    }
    return found;
}

}  // namespace amp
