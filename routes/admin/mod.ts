import { mount } from "./surface.ts";

/** The surface's table of contents, in the contract's order. */
export const surface = mount([]);
