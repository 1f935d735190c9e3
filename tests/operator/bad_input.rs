//! Input that cannot be served: a clear word for its owner, nothing for anybody else.
