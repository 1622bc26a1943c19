//! Freed memory that stays with the process is not faulted in again. On the main thread, whose heap a training uses: no harness.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    use amp_runtime::keep_freed_memory;
    // Blocks find their places within some steps: one that is freed is a little too small for one of its size with its alignment.
    let settled = || (0..20).fold(0, |_, _| faults_of_a_step());
    let given_back = settled();
    keep_freed_memory();
    let kept = settled();
    println!("{given_back} faults in a step, {kept} with memory kept");
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    if huge.contains("[always]") {
        return println!("SKIPPED: pages are huge here, and few");
    }
    assert!(given_back > 30_000, "glibc keeps it by itself: this shows nothing");
    assert!(kept < 1_000, "{kept} faults in a step whose blocks were there");
}

/// Three blocks of 48 MiB, more than glibc ever keeps by itself (`DEFAULT_MMAP_THRESHOLD_MAX`): 36,864 pages of 4 KiB.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn faults_of_a_step() -> u64 {
    use tch::{Device, Kind, Tensor};
    let before = faults();
    let blocks: Vec<Tensor> =
        (0..3).map(|_| Tensor::ones([12 * 1024, 1024], (Kind::Float, Device::Cpu))).collect();
    drop(blocks);
    faults() - before
}

/// Pages that this process has faulted in so far: field 10 of `proc_pid_stat(5)`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_the_name = stat.rsplit_once(") ").unwrap().1;
    after_the_name.split(' ').nth(7).unwrap().parse().unwrap()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {
    println!("SKIPPED: there is no glibc here");
}
