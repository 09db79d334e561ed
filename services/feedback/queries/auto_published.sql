SELECT period FROM auto_publications WHERE period = ANY ($1::text[])
