//! Decides what is due and starts one worker per due stream.
