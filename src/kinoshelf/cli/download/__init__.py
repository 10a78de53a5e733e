"""kinoshelf download: links, and the files they become."""
