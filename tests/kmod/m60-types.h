/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The types of a GRID M60: id, model, heads, frame limit, framebuffer in MiB, resolution, maximum
 * number of devices. tests/sim/hosts.py also reads this file: one type per line.
 */
M60("11", "0B", 2, 45, 512, "2560x1600", 16),
M60("12", "0Q", 2, 60, 512, "2560x1600", 16),
M60("13", "1B", 2, 45, 1024, "2560x1600", 8),
M60("14", "1Q", 2, 60, 1024, "2560x1600", 8),
M60("15", "2B", 2, 45, 2048, "2560x1600", 4),
M60("16", "2Q", 4, 60, 2048, "2560x1600", 4),
M60("17", "4Q", 4, 60, 4096, "3840x2160", 2),
M60("18", "8Q", 4, 60, 8192, "3840x2160", 1),
