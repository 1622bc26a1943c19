//! On which device the tests run that may run on any.
use tch::Device;

/// The CPU, or the first CUDA GPU where `AMP_TEST_DEVICE` says `cuda`.
///
/// # Panics
/// If it says anything else, or there is no GPU: a test that ran elsewhere than it was told would prove nothing.
pub fn device() -> Device {
    match std::env::var("AMP_TEST_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => Device::Cpu,
        Ok("cuda") if tch::Cuda::is_available() => Device::Cuda(0),
        Ok("cuda") => {
            panic!("AMP_TEST_DEVICE is `cuda`, and there is no CUDA GPU, or libtorch was built without it")
        }
        Ok(other) => panic!("AMP_TEST_DEVICE is `{other}`, neither `cpu` nor `cuda`"),
    }
}
