// The cues that a browser makes of the WebVTT file on standard input, as JSON: [[start, end, text], …] or an error.

const { WebVTT, VTTCue } = require("vtt.js");
const { TextDecoder } = require("node:util");

// What it expects of a browser. Node 21 brings a navigator of its own, which cannot be assigned to.
if (typeof navigator === "undefined") global.navigator = { userAgent: "node" };
const cues = [];
const parser = new WebVTT.Parser({ VTTCue }, new TextDecoder("utf-8"));
parser.oncue = (cue) => cues.push([cue.startTime, cue.endTime, cue.text]);
parser.onparsingerror = (error) => {
  throw error;
};
parser.parse(require("node:fs").readFileSync(0));
parser.flush();
console.log(JSON.stringify(cues));
