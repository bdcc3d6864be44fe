// Whether this is `npm run long`: a few files, which the suite runs in part, are then run whole.

export const isLong = process.env.COLDPASS_LONG === 'yes';
