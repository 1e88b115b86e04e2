"""What lies in the folder of a subject, as git sees it or as its files tell where there is no git."""
