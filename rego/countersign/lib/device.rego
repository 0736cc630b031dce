# METADATA
# title: Device
# description: Rules about what is said of the device, by `context.device` of the decision service. What is not said does not hold.
# schemas:
#   - input: schema.input
# scope: package
package countersign.lib.device

# METADATA
# title: This is said of the device
says(name, value) if input.context.device[name] == value
