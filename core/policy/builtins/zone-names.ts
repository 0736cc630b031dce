/**
 * Names of time zones as Go has them: they are those of files, so upper and lower case count. The runtime takes more than that: any case,
 * offsets (`+05:00`) and abbreviations of its own (`PST`). It lists its zones, each by one name; the other names that the IANA database has
 * for them stand here (`backward`, `etcetera`; 2025c), but `Factory`, which the runtime does not take.
 */
const OTHER_NAMES: readonly (readonly [area: string, names: string])[] = [
  ["Africa/", "Asmara Timbuktu"],
  ["America/", "Argentina/Buenos_Aires Argentina/Catamarca Argentina/ComodRivadavia Argentina/Cordoba"],
  ["America/", "Argentina/Jujuy Argentina/Mendoza Atikokan Atka Ensenada Fort_Wayne Indiana/Indianapolis"],
  ["America/", "Kentucky/Louisville Knox_IN Montreal Nipigon Nuuk Pangnirtung Porto_Acre Rainy_River Rosario"],
  ["America/", "Santa_Isabel Shiprock Thunder_Bay Virgin Yellowknife"],
  ["Antarctica/", "South_Pole"],
  ["Asia/", "Ashkhabad Choibalsan Chongqing Chungking Dacca Harbin Ho_Chi_Minh Istanbul Kashgar Kathmandu Kolkata"],
  ["Asia/", "Macao Tel_Aviv Thimbu Ujung_Pandang Ulan_Bator Yangon"],
  ["Atlantic/", "Faroe Jan_Mayen"],
  ["Australia/", "ACT Canberra Currie LHI NSW North Queensland South Tasmania Victoria West Yancowinna"],
  ["Brazil/", "Acre DeNoronha East West"],
  ["", "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland"],
  ["", "Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC"],
  ["", "ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu"],
  ["Canada/", "Atlantic Central Eastern Mountain Newfoundland Pacific Saskatchewan Yukon"],
  ["Chile/", "Continental EasterIsland"],
  ["Etc/", "Greenwich UCT UTC Universal Zulu GMT GMT0 GMT+0 GMT+1 GMT+2 GMT+3 GMT+4 GMT+5 GMT+6 GMT+7 GMT+8 GMT+9"],
  ["Etc/", "GMT+10 GMT+11 GMT+12 GMT-0 GMT-1 GMT-2 GMT-3 GMT-4 GMT-5 GMT-6 GMT-7 GMT-8 GMT-9 GMT-10 GMT-11 GMT-12"],
  ["Etc/", "GMT-13 GMT-14"],
  ["Europe/", "Belfast Kyiv Nicosia Tiraspol Uzhgorod Zaporozhye"],
  ["Mexico/", "BajaNorte BajaSur General"],
  ["Pacific/", "Chuuk Johnston Kanton Pohnpei Samoa Yap"],
  ["US/", "Alaska Aleutian Arizona Central East-Indiana Eastern Hawaii Indiana-Starke Michigan Mountain Pacific"],
  ["US/", "Samoa"],
];

let names: ReadonlySet<string> | undefined;

/** Whether Go, too, knows a zone by this name. */
export function isZoneName(name: string): boolean {
  names ??= new Set([
    ...Intl.supportedValuesOf("timeZone"),
    ...OTHER_NAMES.flatMap(([area, inArea]) => inArea.split(" ").map((one) => `${area}${one}`)),
  ]);
  return names.has(name);
}
