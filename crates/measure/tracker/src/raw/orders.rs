//! What a Python that this process starts finds in its environment, so that it is recorded too.
//!
//! Most of this runs between vfork(2) and execve(2), in memory that the parent goes on using: nothing here allocates,
//! locks, or keeps anything.

use super::c_strings::CStrings;
use super::lineage;
use super::own_memory::OwnArray;
use crate::decimal::{MOST_DIGITS, decimal};
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Names of variables and their values, as execve(2) takes them.
pub(super) type Environment = *const *const c_char;

/// The variables that are the same for all, as C strings one after the other and an empty one; null before `set`.
static VARIABLES: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

const PYTHON_PATH: &[u8] = b"PYTHONPATH=";
const PYTHON_PATH_BEFORE: &[u8] = b"LOWTIDE_PYTHONPATH=";
const CAPTURE: &[u8] = b"LOWTIDE_CAPTURE=";
const STARTED_BY: &[u8] = b"LOWTIDE_STARTED_BY=";

/// Has the Pythons that this process starts get these variables, the first of which puts a folder on PYTHONPATH.
/// Called once; `false` where the kernel refuses memory.
#[must_use]
pub(super) fn set(variables: &[CString]) -> bool {
    let bytes = variables.iter().map(|text| text.as_bytes_with_nul().len()).sum::<usize>() + 1;
    let Some(mut block) = OwnArray::<u8>::zeroed(bytes) else { return false };
    let mut room = block.as_mut_slice();
    for text in variables {
        let (place, rest) = room.split_at_mut(text.as_bytes_with_nul().len());
        place.copy_from_slice(text.as_bytes_with_nul());
        room = rest;
    }
    VARIABLES.store(block.as_mut_ptr().cast(), Ordering::Release);
    std::mem::forget(block);
    true
}

/// Whether Pythons that this process starts are to be recorded.
pub(super) fn are_set() -> bool {
    !VARIABLES.load(Ordering::Acquire).is_null()
}

/// What `start` gives when it is called with `given` and the orders; with `given` alone where they do not fit on the
/// stack, or where somebody else has given orders.
///
/// # Safety
/// `given` is null, or leads to C strings up to a null pointer.
pub(super) unsafe fn added<T>(given: Environment, start: impl Fn(Environment) -> T) -> T {
    // SAFETY: the caller's promise.
    unsafe {
        in_room::<T, 256, 1024>(given, &start)
            .or_else(|| in_room::<T, 1024, 8192>(given, &start))
            .unwrap_or_else(|| start(given))
    }
}

/// # Safety
/// As [`added`].
#[inline(never)]
unsafe fn in_room<T, const COUNT: usize, const BYTES: usize>(
    given: Environment,
    start: &impl Fn(Environment) -> T,
) -> Option<T> {
    let (mut pointers, mut text) = ([ptr::null(); COUNT], [0; BYTES]);
    let mut joined = Joined { pointers: pointers.iter_mut(), text: &mut text };
    // SAFETY: the caller's promise; the array is fresh, so that at least one null pointer ends it.
    unsafe { joined.join(CStrings::new(given)) }?;
    Some(start(pointers.as_ptr()))
}

/// An environment as it grows.
struct Joined<'a> {
    pointers: std::slice::IterMut<'a, *const c_char>,
    text: &'a mut [u8],
}

impl Joined<'_> {
    /// `None` where there is no room.
    fn join(&mut self, given: CStrings) -> Option<()> {
        let folder = first_variable()?;
        let mut has_path = false;
        for variable in given {
            let bytes = variable.to_bytes();
            match bytes.strip_prefix(PYTHON_PATH).filter(|_| !has_path) {
                _ if bytes.starts_with(CAPTURE) => return None,
                None => self.push(variable.as_ptr())?,
                Some(path) => {
                    has_path = true;
                    let separator: &[u8] = if path.is_empty() { b"" } else { b":" };
                    self.push_text(&[folder.to_bytes(), separator, path])?;
                    self.push_text(&[PYTHON_PATH_BEFORE, path])?;
                }
            }
        }
        let rest = variables().skip(usize::from(has_path));
        rest.map(CStr::as_ptr).try_for_each(|variable| self.push(variable))?;
        self.push_text(&[STARTED_BY, decimal(lineage::starter(), &mut [0; MOST_DIGITS])])?;
        // The null pointer at the end needs a place as well.
        (self.pointers.len() > 0).then_some(())
    }

    fn push(&mut self, variable: *const c_char) -> Option<()> {
        *self.pointers.next()? = variable;
        Some(())
    }

    fn push_text(&mut self, parts: &[&[u8]]) -> Option<()> {
        let start = self.text.as_ptr();
        for part in parts.iter().chain(&[&b"\0"[..]]) {
            let (place, rest) = std::mem::take(&mut self.text).split_at_mut_checked(part.len())?;
            place.copy_from_slice(part);
            self.text = rest;
        }
        self.push(start.cast())
    }
}

fn first_variable() -> Option<&'static CStr> {
    variables().next()
}

fn variables() -> impl Iterator<Item = &'static CStr> {
    let mut next = VARIABLES.load(Ordering::Acquire).cast_const();
    std::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: `set` put C strings there, one after the other up to an empty one, and they stay for good.
        let text = unsafe { CStr::from_ptr(next) };
        next = next.wrapping_add(text.to_bytes_with_nul().len());
        (!text.is_empty()).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(given: &[&str]) -> Vec<String> {
        let set = VARIABLES.load(Ordering::Acquire);
        if set.is_null() {
            let variables = ["PYTHONPATH=/boot", "LOWTIDE_CAPTURE=/c"];
            assert!(super::set(&variables.map(|text| CString::new(text).unwrap())));
        }
        let texts: Vec<CString> = given.iter().map(|text| CString::new(*text).unwrap()).collect();
        let pointers: Vec<_> =
            texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        // SAFETY: the array ends with a null pointer, and its texts live.
        unsafe {
            added(pointers.as_ptr(), |environment| {
                CStrings::new(environment).map(|text| text.to_str().unwrap().to_owned()).collect()
            })
        }
    }

    const REST: [&str; 2] = ["LOWTIDE_CAPTURE=/c", "LOWTIDE_STARTED_BY=0"];

    #[test]
    fn orders_follow_the_childs_own_variables() {
        assert_eq!(joined(&["A=1"]), ["A=1", "PYTHONPATH=/boot", REST[0], REST[1]]);
    }

    #[test]
    fn a_python_path_keeps_its_place_and_is_told_as_it_was() {
        let expected = ["PYTHONPATH=/boot:x:y", "LOWTIDE_PYTHONPATH=x:y", "B=2", REST[0], REST[1]];
        assert_eq!(joined(&["PYTHONPATH=x:y", "B=2"]), expected);
        let expected = ["PYTHONPATH=/boot", "LOWTIDE_PYTHONPATH=", REST[0], REST[1]];
        assert_eq!(joined(&["PYTHONPATH="]), expected);
    }

    #[test]
    fn what_does_not_fit_is_passed_as_it_is() {
        let long = format!("PYTHONPATH={}", "x".repeat(3000));
        assert_eq!(joined(&[&long]).len(), 4);
        let longer = format!("PYTHONPATH={}", "x".repeat(5000));
        assert_eq!(joined(&[&longer]), [longer]);
        let many = vec!["A=1"; 300];
        assert_eq!(joined(&many).len(), 303);
        let too_many = vec!["A=1"; 1023];
        assert_eq!(joined(&too_many), too_many);
    }

    #[test]
    fn orders_of_somebody_else_stay() {
        assert_eq!(joined(&["LOWTIDE_CAPTURE=/other"]), ["LOWTIDE_CAPTURE=/other"]);
    }
}
