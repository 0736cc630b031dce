package countersign.lib_test

import data.countersign.lib.device
import data.countersign.lib.net as network
import data.countersign.lib.time as clock

test_the_office_is_closed_when_nothing_says_that_it_is_open if {
	not clock.office_is_open with input as {"context": {}}
	not clock.office_is_open with input as {"context": {"local": {"office_hours": false}}}
	clock.office_is_open with input as {"context": {"local": {"office_hours": true}}}
}

test_a_country_that_is_not_known_is_none_of_these if {
	not network.in_any_country({"DE"}) with input as {"context": {}}
	not network.in_any_country({"DE"}) with input as {"context": {"country": "FR"}}
	network.in_any_country({"DE", "FR"}) with input as {"context": {"country": "FR"}}
}

test_what_is_not_said_of_a_device_does_not_hold if {
	not device.says("managed", true) with input as {"context": {}}
	not device.says("managed", true) with input as {"context": {"device": {"managed": "true"}}}
	device.says("managed", true) with input as {"context": {"device": {"managed": true}}}
}
