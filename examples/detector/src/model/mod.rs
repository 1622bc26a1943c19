//! The detector: plain tch code with `#[amp]` on its forwards, and boxes in full precision.
mod assign;
mod coder;
mod corners;
mod detect;
mod detector;
mod fpn;
mod head;
mod loss;
mod nms;
mod norm;
mod priors;
mod resnet;
mod targets;
mod torchvision;

pub use assign::{Assigned, Assigner};
pub use coder::Coder;
pub use detect::View;
pub use detector::{Detector, Losses};
pub use fpn::{ExtraFrom, Fpn};
pub use head::{Head, Outputs};
pub use loss::{giou, sigmoid_focal, smooth_l1};
pub use nms::nms;
pub use priors::{PriorShape, Priors, STRIDES};
pub use resnet::ResNet;
pub use targets::Targets;
pub use torchvision::{WeightsError, load_resnet};
