//! Lives in the target process: hooks -> stack -> call tree -> capture.
