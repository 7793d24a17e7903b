// See COURSE.
