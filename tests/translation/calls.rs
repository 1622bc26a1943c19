//! How each function of the corpus is called; a test per function, named as it is.
use crate::compare::{data, leaf, same, watch};
use crate::{amped, plain};
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use tch::{Device, Tensor, nn};

fn x() -> Tensor {
    leaf(1, [2, 3])
}

/// As `x`, and of positive numbers.
fn p() -> Tensor {
    leaf(1, [2, 3]).abs()
}

fn w() -> Tensor {
    leaf(2, [3, 4])
}

fn y() -> Tensor {
    leaf(3, [2, 4])
}

/// A square weight.
fn s() -> Tensor {
    leaf(4, [3, 3])
}

fn some() -> Vec<Tensor> {
    (5..8).map(|seed| leaf(seed, [2, 3]).abs()).collect()
}

fn classes(numbers: &[i64]) -> Tensor {
    Tensor::from_slice(numbers)
}

fn vars() -> nn::VarStore {
    nn::VarStore::new(Device::Cpu)
}

corpus! { control_flow:
    if_else_value => [c::if_else_value(&x(), &w(), true), c::if_else_value(&data(1, [2, 3]), &data(2, [3, 4]), false)];
    else_if_chain => ["exp", "log", "pow1.5", "other"].map(|mode| c::else_if_chain(&x(), mode));
    while_reassigns => c::while_reassigns(&x(), &s(), 4);
    while_let_pops => c::while_let_pops(some());
    loop_breaks_with_a_value => c::loop_breaks_with_a_value(&x(), &s());
    labelled_break => c::labelled_break(&[y(), x()], &[s(), w(), leaf(9, [3, 5])]);
    labelled_loop_value => c::labelled_loop_value(&x(), &w());
    labelled_block => [true, false].map(|skip| c::labelled_block(&x(), &s(), skip));
    for_zip_enumerate => c::for_zip_enumerate(&some(), &[w(), s(), w()]);
    for_over_chunks => c::for_over_chunks(&y());
    match_guards => [None, Some(0), Some(1), Some(3)].map(|k| c::match_guards(&x(), &w(), k));
    match_bindings => [-1, 2, 7, 100].map(|n| c::match_bindings(&p(), n));
    match_on_a_tuple => {
        let (w, b) = (s(), leaf(9, [3]));
        [
            c::match_on_a_tuple(&x(), Some(&w), Some(&b)),
            c::match_on_a_tuple(&x(), Some(&w), None),
            c::match_on_a_tuple(&x(), None, Some(&b)),
            c::match_on_a_tuple(&x(), None, None),
        ]
    };
    match_on_a_site => [c::match_on_a_site(&x(), &w()), c::match_on_a_site(&w().tr(), &s())];
    let_else => [c::let_else(Some(&x()), &w()), c::let_else(None, &w()), c::let_else(Some(&leaf(1, [1, 2, 2])), &w())]
        .map(|result| result);
    early_return => [true, false].map(|early| c::early_return(&x(), &w(), early));
    return_inside_an_expression => [true, false].map(|early| c::return_inside_an_expression(&x(), &w(), early));
    question_marks => [c::question_marks(&x(), &w()), c::question_marks(&x(), &x())];
    question_mark_of_an_option => [
        c::question_mark_of_an_option(&some(), Some(w())),
        c::question_mark_of_an_option(&some(), None),
        c::question_mark_of_an_option(&[], Some(w())),
    ];
    errors_of_two_kinds => (
        c::errors_of_two_kinds(&x(), "2.5"),
        c::errors_of_two_kinds(&x(), "two"),
    );
    swaps_in_a_loop => c::swaps_in_a_loop(&x(), &s());
    recursive => c::recursive(&x(), &s(), 3);
    one_value_many_times => c::one_value_many_times(&x(), &w());
}

corpus! { expressions:
    operators_with_references => c::operators_with_references(&x(), &y(), &w());
    operators_with_scalars => c::operators_with_scalars(&x(), &w());
    compound_assignment => c::compound_assignment(&x(), &w());
    indexing => c::indexing(&x(), &w(), &classes(&[1, 0]));
    a_long_chain => c::a_long_chain(&p(), &w());
    calls_by_path => c::calls_by_path(&x(), &w());
    lists => c::lists(&x(), &y(), &w());
    tuples => c::tuples(&x(), &w());
    struct_literals => c::struct_literals(&x(), &w());
    arrays => c::arrays(&p(), &w());
    nested_calls => c::nested_calls(&p(), &s());
    inside_macros => c::inside_macros(&p(), &w());
    blocks => c::blocks(&x(), &w());
    attention => c::attention(&leaf(1, [2, 5, 4]), &leaf(2, [2, 5, 4]), &leaf(3, [2, 5, 4]));
    order_of_evaluation => c::order_of_evaluation(&x(), &s());
    references_to_temporaries => c::references_to_temporaries(&x(), &w());
    parentheses_and_stars => c::parentheses_and_stars(&x(), &w());
    comparisons => c::comparisons(&x(), &y(), &w());
    in_place_on_what_is_ours => c::in_place_on_what_is_ours(&x(), &w());
    closures_called_at_once => c::closures_called_at_once(&x(), &w());
    conversions => c::conversions(&x().abs(), &w().abs());
    losses => c::losses(&x(), &w(), &classes(&[1, 3]), &data(3, [2, 4]));
    optional_operands => c::optional_operands(&x(), &w(), &leaf(5, [4]), &leaf(6, [1, 1, 3, 3]));
    types_written_out => c::types_written_out(&x(), &w());
}

corpus! { ownership:
    shadowing => c::shadowing(&p(), &w().abs());
    by_value => c::by_value(x(), w());
    by_mutable_reference => c::by_mutable_reference(&x(), &s());
    smart_pointers => c::smart_pointers(Box::new(x()), &Rc::new(leaf(6, [2, 3])), Arc::new(leaf(7, [2, 3])), &w());
    cells => c::cells(&RefCell::new(x()), &s());
    locks => c::locks(&Mutex::new(x()), &RwLock::new(p()), &w());
    options => [
        c::options(Some(x()), Some(&w()), Some(y())),
        c::options(Some(x()), Some(&w()), None),
        c::options(Some(x()), None, None),
    ];
    replaced => c::replaced(&x(), &s());
    destructured => {
        let b = leaf(9, [2, 3]);
        c::destructured(c::Pair { left: x(), right: w(), scale: 0.5 }, (leaf(8, [2, 3]), &b))
    };
    partial_moves => c::partial_moves(c::Pair { left: x(), right: w(), scale: 0.5 });
    slices => c::slices(&some(), vec![w(), s()]);
    references_of_references => c::references_of_references(&some(), &w());
    order_of_drops => c::order_of_drops(&x(), &s());
    tail_of_a_cell => c::tail_of_a_cell(&x(), &w());
    borrowed_in_the_tail => {
        let held = c::Held { cell: RefCell::new(x()), lock: Mutex::new(w()) };
        (held.borrowed_in_the_tail(&s()), held.locked_in_the_tail(&x()))
    };
    newtypes => c::newtypes(&c::Weight(w().abs()), &x());
    maps => {
        let named: HashMap<String, Tensor> =
            [("x".to_string(), leaf(1, [2, 4])), ("w".to_string(), leaf(2, [4, 4]) * 0.5)].into();
        c::maps(&named)
    };
    fields => {
        let layer = |seed, bias| c::Layer { w: leaf(seed, [3, 3]), bias };
        let layers = vec![layer(11, Some(leaf(12, [3]))), layer(13, None)];
        c::fields(&c::Stack { layers, pair: (y(), 0.3) }, &x())
    };
    kept_elsewhere => c::kept_elsewhere(&x(), &s());
    changed_between_uses => c::changed_between_uses(&x(), &w());
    written_in_place => {
        let mut moments = c::Moments { first: data(1, [2, 3]), second: vec![data(2, [2, 3]).abs() + 0.5] };
        let mut out = data(3, [2, 3]).abs() + 0.5;
        let sum = c::written_in_place(&mut moments, data(4, [2, 3]), &data(5, [2, 3]), &mut out);
        ([sum, out, moments.first], moments.second)
    };
    chosen => {
        let (a, b) = (x(), p());
        (c::chosen(&a, &b).shallow_clone(), c::chosen(&b, &a).shallow_clone())
    };
    set_later => [true, false].map(|early| c::set_later(&p(), &w(), early));
}

corpus! { closures:
    used_twice => c::used_twice(&x(), &w());
    nested => c::nested(&x(), &w());
    returned => {
        let f = c::returned(&w(), 0.5);
        (f(&x()), f(&p()))
    };
    boxed => c::boxed(w()).iter().map(|f| f(&x())).collect::<Vec<_>>();
    mutating => c::mutating(&x(), &w());
    consuming => c::consuming(x(), w());
    untyped => {
        let vs = vars();
        let model = c::untyped(&vs.root());
        watch(&vs);
        let input = leaf(1, [3, 4]);
        [true, false].map(|train| input.apply_t(&model, train))
    };
    through_layers => {
        let vs = vars();
        let model = c::untyped_in_a_sequence(&(vs.root() / "model"));
        let model_t = c::untyped(&(vs.root() / "model_t"));
        watch(&vs);
        c::through_layers(&model, &model_t, &leaf(1, [3, 4]))
    };
    functions_as_values => c::functions_as_values(&some(), &w());
    question_marks_inside => [
        c::question_marks_inside(&[x(), leaf(3, [3])], &w()),
        c::question_marks_inside(&[x(), y()], &w()),
    ];
    patterns => c::patterns(&[(x(), p()), (p(), x())], &some());
    sorted => c::sorted(some(), &w());
    tried => (c::tried(&some(), &w()), c::tried(&[x(), leaf(2, [3])], &w()));
    without_gradients => c::without_gradients(&x(), &w());
    borrowed => {
        let scaler = c::Scaler { w: w(), scale: 4. };
        let f = scaler.borrowed();
        (f(&x()), scaler.lazily(&some()).collect::<Vec<_>>())
    };
    inferred_late => c::inferred_late(&x(), &s());
}

corpus! { types:
    borrowed => (c::borrowed(x(), &w()), c::borrowed(&x(), &w()));
    referenced => c::referenced(&c::Wrapped(x()), c::Wrapped(w()));
    any_module => {
        let vs = vars();
        let layer = nn::linear(vs.root(), 3, 4, Default::default());
        watch(&vs);
        (c::any_module(&layer, &x()), c::any_module(&nn::func(|xs| xs.exp()), &x()))
    };
    impl_modules => {
        let vs = vars();
        let layer = |name: &str| nn::linear(vs.root() / name, 4, 4, Default::default());
        let (first, second) = (layer("first"), layer("second"));
        watch(&vs);
        c::impl_modules(first, &second, &y())
    };
    dyn_modules => {
        let vs = vars();
        let layer = |name: &str| -> Box<dyn nn::Module> { Box::new(nn::linear(vs.root() / name, 4, 4, Default::default())) };
        let (models, last) = ([layer("first"), layer("second")], layer("last"));
        watch(&vs);
        c::dyn_modules(&models, &*last, &y())
    };
    of_a_size => (c::of_a_size(&[x(), p()], &w()), c::of_a_size(&[x()], &w()), c::of_a_size(&[], &w()));
    heads => (
        c::Heads::<2> { w: leaf(1, [4, 4]) }.forward(&y()),
        c::Heads::<1> { w: leaf(1, [4, 4]) }.forward(&y()),
    );
    trait_with_a_default => c::Scored::score(&w(), &x());
    impl_blocks => {
        let vs = vars();
        let model = c::Mlp::new(&vs.root());
        watch(&vs);
        let once = y().apply(&model);
        (once, y().apply_t(&c::Dropped(model, 0.4), true))
    };
    forms_of_self => {
        let forms = || c::Forms { w: s(), calls: 2 };
        let mut changed = forms();
        let _ = changed.by_mutable_reference(&x());
        (
            [forms().by_value(&x()), forms().by_mutable_value(&x()), forms().by_reference(&x())],
            [Box::new(forms()).by_box(&x()), Rc::new(forms()).by_rc(&x()), forms().by_typed_reference(&x())],
            (changed.w.shallow_clone(), changed.calls),
            c::Forms::without(&x()).w,
        )
    };
    lifetimes => {
        let (xs, ws) = (x(), [w(), s()]);
        let (picked, made) = c::View { xs: &xs, rest: ws.iter().collect() }.pick(1);
        (picked.shallow_clone(), made)
    };
    activations => c::activations(&x(), &s());
    walked => c::walked(&x().narrow(0, 0, 1), &s());
    own_operators => {
        let complex = |seed| c::Complex { re: leaf(seed, [3, 3]), im: leaf(seed + 1, [3, 3]).abs() };
        c::own_operators(complex(1), complex(3))
    };
    higher_ranked => (
        c::higher_ranked(&x(), &w(), |xs, w| Some(xs.matmul(w))),
        c::higher_ranked(&x(), &w(), |_, _| None),
    );
    generic_structs => c::Typed::<f32> { w: w(), marker: PhantomData }.scaled(&x(), 0.5);
    converted => c::converted(&x());
    items_inside => c::items_inside(&x(), &w());
}

corpus! { models:
    conv_net => {
        let vs = vars();
        let models = [true, false].map(|shortcut| {
            c::ConvNet::new(&(vs.root() / if shortcut { "a" } else { "b" }), shortcut)
        });
        watch(&vs);
        models.map(|model| leaf(1, [2, 3, 6, 6]).apply_t(&model, true))
    };
    language_model => {
        let vs = vars();
        let blocks = ["first", "second"].map(|name| c::Block::new(&(vs.root() / name), 8));
        let tokens = classes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).view((2, 5));
        let result = c::language_model(&vs.root(), &blocks, &tokens, &tokens.roll([1], [1]));
        watch(&vs);
        result
    };
    recurrent => {
        let vs = vars();
        let lstm = nn::lstm(vs.root() / "lstm", 3, 6, Default::default());
        let gru = nn::gru(vs.root() / "gru", 3, 6, Default::default());
        let head = nn::linear(vs.root() / "head", 6, 4, Default::default());
        watch(&vs);
        c::recurrent(&lstm, &gru, &head, &leaf(1, [2, 4, 3]))
    };
    autoencoder => {
        let vs = vars();
        let model = c::Autoencoder::new(&vs.root());
        watch(&vs);
        model.forward(&leaf(1, [3, 6]))
    };
    u_net => {
        let vs = vars();
        let out = c::u_net(&vs.root(), &leaf(1, [2, 3, 6, 6]));
        watch(&vs);
        out
    };
    norms_by_hand => c::norms_by_hand(&x(), &w(), &leaf(4, [4]));
    rotary => c::rotary(&leaf(1, [5, 3]), &w());
    focal_loss => c::focal_loss(&x(), &w(), &classes(&[1, 3]));
    contrastive => c::contrastive(&leaf(1, [4, 6]), &leaf(2, [4, 6]), &leaf(3, [1]));
    squeeze_and_excite => {
        let vs = vars();
        let out = c::squeeze_and_excite(&vs.root(), &leaf(1, [2, 4, 5, 5]));
        watch(&vs);
        out
    };
}
