/** Whether pseudo-terminals and the folders of Linux are there; says so where they are not. */
export const onLinux = process.platform === 'linux';
if (!onLinux) process.stderr.write('This is not Linux: pseudo-terminals and port discovery are not tried.\n');
