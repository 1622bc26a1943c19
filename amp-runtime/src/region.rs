//! Entering, suspending and leaving autocast: one guard for every device type, safe against panics.
use crate::native::{self, AutocastState};
use crate::plan::FunctionPlan;
use crate::precision::{Precision, with_choice};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use tch::Device;

/// The low dtype of each device type, in libtorch's numbers; 0 where operations stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LowKinds {
    cpu: i8,
    cuda: i8,
    mps: i8,
}

impl LowKinds {
    const NONE: Self = Self { cpu: 0, cuda: 0, mps: 0 };

    /// The same everywhere.
    #[inline]
    fn all(precision: Precision) -> Self {
        let code = code(precision);
        Self { cpu: code, cuda: code, mps: code }
    }

    /// What a function asks for that fixes a precision or leaves it to the devices; a choice of full precision beats both.
    #[inline]
    fn of(fixed: Option<Precision>) -> Self {
        match (Precision::chosen(), fixed) {
            (Some(Precision::Full), _) => Self::NONE,
            (_, Some(precision)) | (Some(precision), None) => Self::all(precision),
            (None, None) => Self {
                cpu: code(Precision::current(Device::Cpu)),
                cuda: code(Precision::current(Device::Cuda(0))),
                mps: code(Precision::current(Device::Mps)),
            },
        }
    }

    /// The low dtype on a device type (libtorch's number); none where operations stay as they are.
    #[inline]
    pub(crate) fn on(self, device: u8) -> Option<i8> {
        let code = match device {
            0 => self.cpu,
            1 => self.cuda,
            13 => self.mps,
            _ => 0,
        };
        (code != 0).then_some(code)
    }

    fn is_f16_on(self, device: Device) -> bool {
        let low = match device {
            Device::Cuda(_) => self.cuda,
            Device::Mps => self.mps,
            _ => self.cpu,
        };
        low == native::F16
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    fn autocast(self) -> AutocastState {
        native::enter_autocast(self.cpu, if cfg!(target_os = "macos") { self.mps } else { self.cuda })
    }
}

fn code(precision: Precision) -> i8 {
    match precision {
        Precision::Full => 0,
        Precision::F16 => native::F16,
        Precision::Bf16 => native::BF16,
    }
}

/// A function by its plan's address, and what it casts to.
type Body = (usize, LowKinds);

/// In an island, and where there is no function.
const NOBODY: Body = (0, LowKinds::NONE);

thread_local! {
    /// What the sites of the innermost `#[amp]` region cast to.
    static LOW: Cell<LowKinds> = const { Cell::new(LowKinds::NONE) };
    /// How many `#[amp]` regions are open.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How many have been entered so far.
    static ENTERED: Cell<u64> = const { Cell::new(0) };
    /// Whose body runs, and what it casts to.
    static BODY: Cell<Body> = const { Cell::new(NOBODY) };
    /// What the last outermost region that recorded a graph casts to.
    static RECORDED: Cell<LowKinds> = const { Cell::new(LowKinds::NONE) };
}

/// Whether the last region that recorded a graph did so in f16 on `device`.
pub(crate) fn recorded_in_f16(device: Device) -> bool {
    RECORDED.get().is_f16_on(device)
}

/// What sites cast to here and now.
#[inline]
pub(crate) fn low_kinds() -> LowKinds {
    LOW.get()
}

/// Whether an `#[amp]` region is open on this thread, suspended or not.
pub(crate) fn within() -> bool {
    DEPTH.get() > 0
}

/// How many `#[amp]` regions this thread has entered so far: two readings tell whether a call in between has one.
#[inline]
pub(crate) fn entered() -> u64 {
    ENTERED.get()
}

/// Autocast of this thread until the guard drops; then it is again what it was.
#[must_use = "dropping it leaves the region"]
pub struct Region {
    previous: Option<AutocastState>,
    /// What sites cast to before, if the guard changed it.
    low: Option<LowKinds>,
    /// Whose body ran before, if the guard changed it.
    body: Option<Body>,
    /// Whether the guard counts as an `#[amp]` region.
    counted: bool,
    /// Whether libtorch's cache of casts was asked for.
    caching: bool,
    /// Autocast belongs to a thread: a guard must not leave it.
    _thread: PhantomData<*const ()>,
}

impl Region {
    const NOTHING: Self =
        Self { previous: None, low: None, body: None, counted: false, caching: false, _thread: PhantomData };

    /// Autocast on, with the dtype of `precision`, on CPU, CUDA and MPS. With [`Precision::Full`] nothing changes.
    fn enter(precision: Precision) -> Self {
        let low = LowKinds::all(precision);
        let mut region = Self::NOTHING;
        if !low.is_none() {
            note_recording(low);
            native::use_cache();
            region.caching = true;
            region.previous = Some(low.autocast());
            region.low = within().then(|| LOW.replace(low));
        }
        region
    }

    /// Autocast off.
    pub(crate) fn suspend() -> Self {
        let mut region = Self::NOTHING;
        region.previous = Some(native::suspend_autocast());
        region
    }

    /// The same for code that no closure of the body around belongs to.
    fn leave_body() -> Self {
        let mut region = Self::suspend();
        region.body = Some(BODY.replace(NOBODY));
        region
    }
}

fn note_recording(low: LowKinds) {
    if DEPTH.get() == 0 && native::grad_enabled() {
        RECORDED.set(low);
    }
}

impl Drop for Region {
    #[inline]
    fn drop(&mut self) {
        if let Some(low) = self.low {
            LOW.set(low);
        }
        if let Some(body) = self.body {
            BODY.set(body);
        }
        if let Some(previous) = self.previous {
            native::leave_autocast(previous);
        }
        if self.counted {
            let depth = DEPTH.get() - 1;
            DEPTH.set(depth);
            if depth == 0 {
                native::end_outermost();
                if self.previous.is_some_and(|previous| previous.nesting > 1) {
                    native::drop_ambient_casts();
                }
            }
        }
        if self.caching {
            native::leave_cache();
        }
    }
}

/// The body of an `#[amp]` function: its sites cast, and libtorch's autocast lowers what the macro does not see. Where full
/// precision was chosen nothing changes; inside another region it then stays in that region's precision.
pub fn enter(plan: &'static FunctionPlan) -> Region {
    plan.calls.fetch_add(1, Ordering::Relaxed);
    ENTERED.set(ENTERED.get() + 1);
    let low = LowKinds::of(plan.precision);
    if low.is_none() {
        return Region::NOTHING;
    }
    note_recording(low);
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    let previous = low.autocast();
    if depth == 0 {
        native::use_cache();
        if previous.nesting > 1 {
            // What the autocast around it keeps may have been written to before.
            native::drop_ambient_casts();
        }
    }
    Region {
        low: Some(LOW.replace(low)),
        body: Some(BODY.replace((std::ptr::from_ref(plan).addr(), low))),
        previous: Some(previous),
        counted: true,
        ..Region::NOTHING
    }
}

/// The body of a closure, which may outlive the function that it stands in. Where that one runs already, what is around the call
/// holds: [`full_precision`], or [`autocast`] in another precision.
pub fn reenter(plan: &'static FunctionPlan) -> Region {
    if BODY.get() != (std::ptr::from_ref(plan).addr(), LowKinds::of(plan.precision)) {
        return enter(plan);
    }
    plan.calls.fetch_add(1, Ordering::Relaxed);
    ENTERED.set(ENTERED.get() + 1);
    Region::NOTHING
}

/// An island in full precision: libtorch's autocast is off, sites go on casting, to f32.
pub fn island() -> Region {
    if low_kinds().is_none() { Region::NOTHING } else { Region::leave_body() }
}

/// An island outside: as without the attribute.
pub fn outside() -> Region {
    let low = LOW.replace(LowKinds::NONE);
    let mut region = if low.is_none() { Region::NOTHING } else { Region::leave_body() };
    region.low = Some(low);
    region
}

/// Ends an island that holds one expression.
pub fn leave<T>(island: Region, value: T) -> T {
    drop(island);
    value
}

/// Runs `f` under libtorch's autocast in the dtype of `precision`, on whatever device its tensors are (CPU, CUDA, MPS).
///
/// Follows `torch.autocast`: nests, belongs to this thread, and keeps one low-precision copy of each weight until the
/// outermost region ends. A panic or an early return in `f` leaves autocast as it was, which `tch::autocast` does not.
/// With [`Precision::Full`], `f` just runs: inside another region, it stays in that region's precision; to leave one,
/// use [`full_precision`].
pub fn autocast<R>(precision: Precision, f: impl FnOnce() -> R) -> R {
    let _region = Region::enter(precision);
    f()
}

/// Runs `f` with autocast off: an island of the precision that its tensors have (`torch.autocast(enabled=False)`). Nothing is cast
/// in it, also where `f` is a closure in an `#[amp]` function: what is low already stays low, see [`full`](crate::full).
pub fn full_precision<R>(f: impl FnOnce() -> R) -> R {
    let mut region = Region::suspend();
    region.low = Some(LOW.replace(LowKinds::NONE));
    f()
}

/// What holds around a call, for another one to come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    chosen: Option<Precision>,
    /// libtorch's, on the device in question.
    autocast: Option<Precision>,
}

impl Around {
    /// Of a call now.
    pub(crate) fn now(device: Device) -> Self {
        let state = native::suspend_autocast();
        native::leave_autocast(state);
        let at = usize::from(device != Device::Cpu);
        let low = if state.dtype[at] == native::F16 { Precision::F16 } else { Precision::Bf16 };
        Self { chosen: Precision::chosen(), autocast: state.enabled[at].then_some(low) }
    }

    /// Calls `f` as it would have been called then.
    pub(crate) fn call<R>(self, f: impl FnOnce() -> R) -> R {
        with_choice(self.chosen, || {
            if let Some(low) = self.autocast {
                return autocast(low, f);
            }
            let _off = Region::suspend();
            f()
        })
    }
}
