//! Many objects: no duplicates, no more than five on a conversation, one at a time there.
