//! The part of `cpython` that tch's examples name. It only type-checks.
#[derive(Debug)]
pub struct PyErr;
pub type PyResult<T> = Result<T, PyErr>;
#[derive(Clone, Copy)]
pub struct Python;
pub struct GilGuard;
pub struct PyObject;
pub struct NoArgs;

pub trait ToPyObject {}
impl<T> ToPyObject for T {}

impl GilGuard {
    pub fn python(&self) -> Python {
        Python
    }
}

impl Python {
    pub fn acquire_gil() -> GilGuard {
        GilGuard
    }
    pub fn import(self, _: &str) -> PyResult<PyObject> {
        Err(PyErr)
    }
}

impl PyObject {
    pub fn call<A>(&self, _: Python, _: &str, _: A, _: Option<()>) -> PyResult<PyObject> {
        Err(PyErr)
    }
    pub fn get(&self, _: Python, _: &str) -> PyResult<PyObject> {
        Err(PyErr)
    }
    pub fn extract<T>(&self, _: Python) -> PyResult<T> {
        Err(PyErr)
    }
}

pub trait ObjectProtocol {
    fn call_method<A>(&self, _: Python, _: &str, _: A, _: Option<()>) -> PyResult<PyObject> {
        Err(PyErr)
    }
    fn getattr(&self, _: Python, _: &str) -> PyResult<PyObject> {
        Err(PyErr)
    }
    fn get_item(&self, _: Python, _: usize) -> PyResult<PyObject> {
        Err(PyErr)
    }
}
impl ObjectProtocol for PyObject {}

pub mod buffer {
    use super::{PyErr, PyObject, PyResult, Python};

    pub struct PyBuffer;

    impl PyBuffer {
        pub fn get(_: Python, _: &PyObject) -> PyResult<Self> {
            Err(PyErr)
        }
        pub fn to_vec<T>(&self, _: Python) -> PyResult<Vec<T>> {
            Err(PyErr)
        }
    }
}
