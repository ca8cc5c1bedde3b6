"""A pretend company, "apercite": its website spiders crawl, and its databases are what the pipeline reads."""
