// What a tensor was computed by, as autograd keeps it.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function.h>
#include <unordered_set>
#include <vector>

namespace amp {

// Every node that a tensor was computed by, until `look` has seen enough and says false.
template <class Look>
void for_each_node(const at::Tensor& result, Look look) {
    std::unordered_set<const torch::autograd::Node*> seen;
    std::vector<torch::autograd::Node*> next = {result.grad_fn().get()};
    while (!next.empty()) {
        torch::autograd::Node* node = next.back();
        next.pop_back();
        if (node == nullptr || !seen.insert(node).second) {
            continue;
        }
        if (!look(*node)) {
            return;
        }
        for (const torch::autograd::Edge& edge : node->next_edges()) {
            next.push_back(edge.function.get());
        }
    }
}

}  // namespace amp
