"""What people look at: tables, filmstrips, curves, one self-contained page; and single clips."""
