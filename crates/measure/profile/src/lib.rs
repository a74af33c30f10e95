//! Capture -> Profile: at peak, left at exit, churn; by line, type and stack.
