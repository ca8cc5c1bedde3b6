"""The roles of a warehouse on a server of your own: who loads, who builds, who reads. SECURITY.md has their rights."""
