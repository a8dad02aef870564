"""What people look at: tables, plots, filmstrips, one self-contained page; and single clips."""
