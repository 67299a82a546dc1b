"""Parts of the pages of reviews: the queue, a case, and what people do with them."""
