"""PDF: reading text objects, paragraphs, fitting, fonts, and writing into the original's pages."""
