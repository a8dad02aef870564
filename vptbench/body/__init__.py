"""A body model in torch: the shipped adult, its kinematics, skin and BODY_25 joints."""
