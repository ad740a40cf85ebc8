//! Requests about objects, answered by a small server.
