//! Entering, suspending and leaving.
use super::*;

plan!(BY_DEVICE, None);

/// What a site casts a tensor of the CPU to.
fn site_kind() -> Kind {
    let site = p::Site::<p::IsTensor>::new();
    p::Place(&x()).amp_low(&site, &mut p::Slot::new()).kind()
}

fn both() -> (Kind, Kind) {
    (ambient(), site_kind())
}

const OFF: (Kind, Kind) = (Kind::Float, Kind::Float);
const IN_BF16: (Kind, Kind) = (Kind::BFloat16, Kind::BFloat16);
const IN_F16: (Kind, Kind) = (Kind::Half, Kind::Half);

#[test]
fn regions_nest_and_restore() {
    assert_eq!(both(), OFF);
    {
        let _outer = p::enter(&BF16);
        assert_eq!(both(), IN_BF16);
        {
            let _inner = p::enter(&F16);
            assert_eq!(both(), IN_F16);
            std::thread::spawn(|| assert_eq!(both(), OFF)).join().unwrap();
        }
        assert_eq!(both(), IN_BF16);
    }
    assert_eq!(both(), OFF);
}

#[test]
fn a_panic_leaves_every_region() {
    let outer = p::enter(&BF16);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _inner = p::enter(&F16);
        let _island = p::outside();
        panic!("in a region");
    }));
    assert!(caught.is_err());
    assert_eq!(both(), IN_BF16);
    drop(outer);
    assert_eq!(both(), OFF);
}

#[test]
fn the_device_decides_where_nobody_else_does() {
    let by_device = || {
        let _region = p::enter(&BY_DEVICE);
        both()
    };
    assert_eq!(by_device(), IN_BF16);
    assert_eq!(with_precision(Precision::F16, by_device), IN_F16);
    assert_eq!(with_precision(Precision::Full, by_device), OFF);
    // A fixed dtype beats a choice, except that of full precision.
    let fixed = || {
        let _region = p::enter(&BF16);
        both()
    };
    assert_eq!(with_precision(Precision::F16, fixed), IN_BF16);
    assert_eq!(with_precision(Precision::Full, fixed), OFF);
    // Inside another region, full precision changes nothing.
    let _outer = p::enter(&F16);
    assert_eq!(with_precision(Precision::Full, fixed), IN_F16);
}

#[test]
fn islands_suspend_and_restore() {
    let _region = p::enter(&BF16);
    {
        let _full = p::island();
        assert_eq!(both(), (Kind::Float, Kind::BFloat16), "sites go on");
        let _again = p::enter(&F16);
        assert_eq!(both(), IN_F16);
    }
    {
        let _skip = p::outside();
        assert_eq!(both(), OFF);
    }
    assert_eq!(p::leave(p::island(), ambient()), Kind::Float);
    assert_eq!(p::leave(p::outside(), both()), OFF);
    assert_eq!(both(), IN_BF16);
}

#[test]
fn an_island_outside_a_region_leaves_the_users_own_autocast_alone() {
    amp_runtime::autocast(Precision::Bf16, || {
        let _full = p::island();
        let _skip = p::outside();
        assert_eq!(both(), (Kind::BFloat16, Kind::Float));
    });
}

#[test]
fn a_suspended_site_is_suspended_for_its_call_only() {
    let _region = p::enter(&BF16);
    let (a, b) = (x(), x());
    let site = p::Site::<p::IsTensor>::new();
    let result = site.done(a.matmul(site.arm(&b)));
    assert_eq!(result.kind(), Kind::Float);
    assert_eq!(both(), IN_BF16);

    // Its operands are evaluated before, in the region.
    let chained = site.done(a.matmul(site.arm(&a.matmul(&b).to_kind(Kind::Float))));
    assert_eq!(chained.kind(), Kind::Float);

    let caught = catch_unwind(AssertUnwindSafe(|| {
        let site = p::Site::<p::IsTensor>::new();
        site.done(a.matmul(site.arm(&Tensor::randn([7, 7], F32))))
    }));
    assert!(caught.is_err(), "the shapes do not match");
    assert_eq!(both(), IN_BF16);
    let returned = || -> Result<Tensor, tch::TchError> {
        let site = p::Site::<p::IsTensor>::new();
        let t = a.f_matmul(site.arm(&Tensor::randn([7, 7], F32)))?;
        Ok(site.done(t))
    };
    assert!(returned().is_err());
    assert_eq!(both(), IN_BF16);
}

#[test]
fn calls_are_counted() {
    plan!(COUNTED, None);
    drop(p::enter(&COUNTED));
    with_precision(Precision::Full, || drop(p::enter(&COUNTED)));
    assert_eq!(COUNTED.calls(), 2);
}
